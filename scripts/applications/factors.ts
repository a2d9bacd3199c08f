/** A user who adds a passkey and an authenticator app, loses the phone, and gets back in. */
import assert from 'node:assert/strict';
import { Secret, TOTP } from 'otpauth';
import type { Page } from 'playwright-core';
import type { Visit } from './application.ts';
import { expectTitle, openPage, password, press, submit } from './people.ts';

const email = 'dora@example.com';

/** Gives a page a device that makes passkeys and verifies its user: Chromium's virtual authenticator. */
async function addAuthenticator(page: Page): Promise<void> {
  const client = await page.context().newCDPSession(page);
  await client.send('WebAuthn.enable');
  await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

/** Returns the current code of an app with this secret, in base32. */
function codeOf(secret: string): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate();
}

async function fillCode(page: Page, label: string, code: string, button: string): Promise<void> {
  await page.getByLabel(label).fill(code);
  await page.getByRole('main').getByRole('button', { name: button, exact: true }).click();
}

export async function visitWithFactors({ browser, addresses: { spa: origin }, steps, show }: Visit): Promise<void> {
  const page = await openPage(browser);
  await addAuthenticator(page);
  let recoveryCode = '';
  await steps.take('spa: a user adds a passkey', async () => {
    await page.goto(origin);
    await press(page, 'Sign up');
    await submit(page, 'Sign up', email);
    await expectTitle(page, email);
    await press(page, 'Add a passkey');
    await page.getByText('Passkeys: 1').waitFor();
  });
  await steps.take('spa: the user adds an authenticator app, and gets recovery codes', async () => {
    await press(page, 'Add an authenticator app');
    const secret = await page.getByRole('main').locator('code').innerText();
    await show(page, 'spa-authenticator-app');
    await fillCode(page, 'Code of the app', codeOf(secret), 'Confirm the app');
    const codes = (await page.getByRole('main').locator('pre').innerText()).trim().split('\n');
    assert.equal(codes.length, 10);
    recoveryCode = codes[0] ?? '';
  });
  await steps.take('spa: the passkey logs the user in, without a password', async () => {
    await press(page, 'Log out');
    await press(page, 'Log in with a passkey');
    await expectTitle(page, email);
  });
  await steps.take('spa: on another device, the password asks for a second step', async () => {
    const other = await openPage(browser);
    await other.goto(origin);
    await submit(other, 'Log in', email, password);
    await expectTitle(other, 'Second step');
    await fillCode(other, 'Code of your app, or a recovery code', '000000', 'Continue');
    await other.getByRole('alert').filter({ hasText: /wrong/ }).waitFor();
    await show(other, 'spa-second-step');
  });
  await steps.take('spa: a recovery code stands for the lost phone', async () => {
    const other = await openPage(browser);
    await other.goto(origin);
    await submit(other, 'Log in', email, password);
    await expectTitle(other, 'Second step');
    await fillCode(other, 'Code of your app, or a recovery code', recoveryCode, 'Continue');
    await expectTitle(other, email);
  });
}
