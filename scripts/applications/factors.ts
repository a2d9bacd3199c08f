/** What users do with their factors. Both applications have the same buttons and fields. */
import assert from 'node:assert/strict';
import { Secret, TOTP } from 'otpauth';
import type { Page } from 'playwright-core';
import { expectAlert, expectTitle, password, press, submit } from './people.ts';

/** In milliseconds: the time for which an app shows a code. */
const codePeriodMs = 30_000;

/** The field for both kinds of codes. */
export const codeField = 'Code of your app, or a recovery code';

/**
 * Returns the code of an app with this secret, in base32: the current one or a later one. The server takes each code
 * once, and also the next one, so nobody has to wait for it.
 */
export function codeOf(secret: string, later = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + later * codePeriodMs });
}

/** Adds an authenticator app on the page that shows its secret. Returns the secret and the recovery codes. */
export async function confirmApp(page: Page, show: () => Promise<void>): Promise<{ secret: string; codes: string[] }> {
  const secret = await page.getByRole('main').locator('code').innerText();
  await show();
  await fillCode(page, 'Code of the app', codeOf(secret), 'Confirm the app');
  return { secret, codes: await readCodes(page) };
}

/** Returns the recovery codes that a page shows. */
export async function readCodes(page: Page): Promise<string[]> {
  const codes = (await page.getByRole('main').locator('pre').innerText()).trim().split('\n');
  assert.equal(codes.length, 10);
  return codes;
}

/** Logs in with the password, and leaves the page at the second step. */
export async function logInToSecondStep(page: Page, email: string): Promise<void> {
  await submit(page, 'Log in', email, password);
  await expectTitle(page, 'Second step');
}

/**
 * Logs in as a user who needs a second factor and has none: the login adds an app. Leaves the page at the recovery
 * codes, and returns what `confirmApp` returns.
 */
export async function logInWithNewApp(
  page: Page,
  email: string,
  show: () => Promise<void>,
): Promise<{ secret: string; codes: string[] }> {
  await submit(page, 'Log in', email, password);
  await expectTitle(page, 'Add an authenticator app');
  await fillCode(page, 'Code of the app', '000000', 'Confirm the app');
  await expectAlert(page, /wrong/);
  const app = await confirmApp(page, show);
  await expectTitle(page, 'Recovery codes');
  return app;
}

/** Answers the second step. */
export async function answerSecondStep(page: Page, code: string): Promise<void> {
  await fillCode(page, codeField, code, 'Continue');
}

/** Removes the app. The button leaves the page with it. */
export async function removeApp(page: Page): Promise<void> {
  await press(page, 'Remove the app');
  await expectNoApp(page);
}

/** Waits until the page offers no removal of an app: the account has none. */
export async function expectNoApp(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Remove the app' }).waitFor({ state: 'detached' });
}

/** Fills a field for a code, and sends its form. */
export async function fillCode(page: Page, label: string, code: string, button: string): Promise<void> {
  await page.getByLabel(label).fill(code);
  await press(page, button);
}
