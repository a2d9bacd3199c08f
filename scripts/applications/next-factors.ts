/** Users of the application with Next.js who add factors, and lose some. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { addVirtualAuthenticator } from '../../test/support/virtual-authenticator.ts';
import type { Visit } from './application.ts';
import {
  answerSecondStep,
  codeField,
  codeOf,
  confirmApp,
  fillCode,
  logInToSecondStep,
  logInWithNewApp,
  readCodes,
  removeApp,
} from './factors.ts';
import { expectAlert, expectTitle, openPage, password, press, submit } from './people.ts';

/** A user who adds a passkey and an authenticator app, loses the phone, and gets back in. */
export async function visitNextWithFactors({ browser, addresses, steps, show }: Visit): Promise<void> {
  const { next: origin } = addresses;
  const email = 'grace@example.com';
  const page = await openPage(browser);
  await addVirtualAuthenticator(page);
  let app = { secret: '', codes: [''] };

  await steps.take('next: a user adds a passkey', async () => {
    await signUp(page, origin, email);
    await openSecurity(page);
    await press(page, 'Add a passkey');
    await page.getByRole('button', { name: 'Remove the passkey' }).waitFor();
  });
  await steps.take('next: the user adds an authenticator app, and gets recovery codes', async () => {
    await press(page, 'Add an authenticator app');
    app = await confirmApp(page, () => show(page, 'next-authenticator-app'));
    await page.getByText('10 are left').waitFor();
    await show(page, 'next-security');
    await page.reload();
    await expectTitle(page, 'Security');
    assert.equal(await page.locator('pre').count(), 0);
  });
  await steps.take('next: the password asks for a second step, which keeps its challenge out of the URL', async () => {
    await logOut(page);
    await logInToSecondStep(page, email);
    await answerSecondStep(page, '000000');
    await expectAlert(page, /wrong/);
    assert.equal(page.url(), `${origin}/login`);
    await show(page, 'next-second-step');
  });
  await steps.take('next: the passkey completes the login', async () => {
    await press(page, 'Use a passkey');
    await expectTitle(page, email);
  });
  await steps.take('next: the passkey logs the user in, without a password', async () => {
    await press(page, 'Log out');
    await press(page, 'Log in with a passkey');
    await expectTitle(page, email);
  });
  await steps.take('next: the passkey proves the user again, who removes it', async () => {
    await page.goto(`${origin}/account/confirm`);
    await press(page, 'Use a passkey');
    await expectTitle(page, 'Security');
    await press(page, 'Remove the passkey');
    await page.getByRole('listitem').waitFor({ state: 'detached' });
  });
  await steps.take(
    'next: a code of the app completes a login without scripts, and a trusted device skips it',
    async () => {
      const plain = await openPage(browser, { javaScriptEnabled: false });
      await plain.goto(`${origin}/login`);
      await logInToSecondStep(plain, email);
      await answerSecondStep(plain, '000000');
      await expectAlert(plain, /wrong/);
      await plain.getByLabel('Skip this step').check();
      await answerSecondStep(plain, codeOf(app.secret, 1));
      await expectTitle(plain, email);
      await press(plain, 'Log out');
      await submit(plain, 'Log in', email);
      await expectTitle(plain, email);
      await plain.goto(`${origin}/account/security`);
      // The trusted device skipped the second factor, which a change needs.
      await press(plain, 'Create new recovery codes');
      await expectTitle(plain, 'Confirm that it is you');
      await plain.getByLabel('Password').fill(password);
      await fillCode(plain, codeField, app.codes[1] ?? '', 'Confirm');
      await expectTitle(plain, 'Security');
      await press(plain, 'Create new recovery codes');
      app.codes = await readCodes(plain);
    },
  );
  await steps.take('next: a recovery code stands for the lost phone, and the app is removed', async () => {
    const other = await openPage(browser);
    await other.goto(`${origin}/login`);
    await logInToSecondStep(other, email);
    await answerSecondStep(other, app.codes[0] ?? '');
    await expectTitle(other, email);
    await openSecurity(other);
    await other.getByText('9 are left').waitFor();
    await removeApp(other);
    await other.getByText('A login asks for the password only.').waitFor();
  });
}

/** A user whose role needs a second factor, and who has none. */
export async function visitWithEnrolment({ browser, addresses, server, steps, show }: Visit): Promise<void> {
  const email = 'root@example.com';
  // A device that the server does not know: the login gives it a cookie, which the challenge needs at once.
  const page = await openPage(browser);
  await steps.take('next: a user who needs a second factor adds it as a part of the login', async () => {
    await signUp(await openPage(browser), addresses.next, email);
    await server.command('user', 'set-role', email, 'admin');
    await page.goto(`${addresses.next}/login`);
    await logInWithNewApp(page, email, () => show(page, 'next-enrolment'));
    await page.getByRole('link', { name: 'Continue' }).click();
    await expectTitle(page, email);
  });
  await steps.take('next: the user replaces the app by a passkey, and has no app to remove any more', async () => {
    await addVirtualAuthenticator(page);
    await openSecurity(page);
    await press(page, 'Add a passkey');
    await page.getByRole('button', { name: 'Remove the passkey' }).waitFor();
    await removeApp(page);
    await page.getByText('A login asks for a second factor.').waitFor();
  });
}

async function signUp(page: Page, origin: string, email: string): Promise<void> {
  await page.goto(`${origin}/sign-up`);
  await submit(page, 'Sign up', email);
  await expectTitle(page, email);
}

async function openSecurity(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Passkeys and second factors' }).click();
  await expectTitle(page, 'Security');
}

/** Logs out from any page. */
async function logOut(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Account', exact: true }).click();
  await press(page, 'Log out');
  await expectTitle(page, 'Log in');
}
