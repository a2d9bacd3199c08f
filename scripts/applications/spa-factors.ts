/** Users of the single-page application who add factors, and lose some. */
import type { Page } from 'playwright-core';
import { addVirtualAuthenticator } from '../../test/support/virtual-authenticator.ts';
import type { Visit } from './application.ts';
import {
  answerSecondStep,
  codeField,
  codeOf,
  confirmApp,
  expectNoApp,
  fillCode,
  logInToSecondStep,
  logInWithNewApp,
} from './factors.ts';
import { expectAlert, expectTitle, openPage, password, press, submit } from './people.ts';

/** A user who adds a passkey and an authenticator app, loses the phone, and gets back in. */
export async function visitSpaWithFactors({ browser, addresses: { spa: origin }, steps, show }: Visit): Promise<void> {
  const email = 'dora@example.com';
  const page = await openPage(browser);
  await addVirtualAuthenticator(page);
  let recoveryCodes = [''];

  async function logInElsewhere(): Promise<Page> {
    const other = await openPage(browser);
    await other.goto(origin);
    await logInToSecondStep(other, email);
    return other;
  }

  await steps.take('spa: a user adds a passkey', async () => {
    await signUp(page, origin, email);
    await expectNoApp(page);
    await press(page, 'Add a passkey');
    await page.getByText('Passkeys: 1').waitFor();
  });
  await steps.take('spa: the user adds an authenticator app, and gets recovery codes', async () => {
    await press(page, 'Add an authenticator app');
    const { codes } = await confirmApp(page, () => show(page, 'spa-authenticator-app'));
    recoveryCodes = codes;
  });
  await steps.take('spa: the passkey logs the user in, without a password', async () => {
    await press(page, 'Log out');
    await press(page, 'Log in with a passkey');
    await expectTitle(page, email);
  });
  await steps.take('spa: on a device that skips the second step, the passkey proves the user again', async () => {
    await press(page, 'Log out');
    await logInToSecondStep(page, email);
    await page.getByLabel('Skip this step').check();
    await answerSecondStep(page, recoveryCodes[3] ?? '');
    await expectTitle(page, email);
    await press(page, 'Log out');
    await submit(page, 'Log in', email);
    await expectTitle(page, email);
    await press(page, 'Add an authenticator app');
    await page.getByLabel('Password').waitFor();
    await press(page, 'Use a passkey');
    await page.getByLabel('Code of the app').waitFor();
  });
  await steps.take('spa: on another device, the password asks for a second step', async () => {
    const other = await logInElsewhere();
    await answerSecondStep(other, '000000');
    await expectAlert(other, /wrong/);
    await show(other, 'spa-second-step');
  });
  await steps.take('spa: a recovery code stands for the lost phone, and the app is removed', async () => {
    const other = await logInElsewhere();
    await other.getByLabel('Skip this step').check();
    await answerSecondStep(other, recoveryCodes[0] ?? '');
    await expectTitle(other, email);
    await press(other, 'Log out');
    await submit(other, 'Log in', email);
    await expectTitle(other, email);
    // The trusted device skipped the second factor, which a change needs.
    await press(other, 'Remove the app');
    await other.getByLabel('Password').fill(password);
    await show(other, 'spa-confirm');
    await fillCode(other, codeField, recoveryCodes[1] ?? '', 'Confirm');
    await other.getByRole('heading', { name: 'Security' }).waitFor();
    await expectNoApp(other);
  });
  await steps.take('spa: without the app, the account keeps its passkey and its recovery codes', async () => {
    const other = await logInElsewhere();
    await answerSecondStep(other, recoveryCodes[2] ?? '');
    await expectTitle(other, email);
    await other.getByText('Passkeys: 1').waitFor();
    await expectNoApp(other);
  });
}

/** A user whose role needs a second factor, and who has none. */
export async function visitSpaWithEnrolment({ browser, addresses, server, steps, show }: Visit): Promise<void> {
  const { spa: origin } = addresses;
  const email = 'judy@example.com';
  let secret = '';
  await steps.take('spa: a user who needs a second factor adds it as a part of the login', async () => {
    await signUp(await openPage(browser), origin, email);
    await server.command('user', 'set-role', email, 'admin');
    // A device that the server does not know: the login gives it a cookie, which the challenge needs at once.
    const page = await openPage(browser);
    await page.goto(origin);
    ({ secret } = await logInWithNewApp(page, email, () => show(page, 'spa-enrolment')));
    await show(page, 'spa-recovery-codes');
    await press(page, 'Continue');
    await expectTitle(page, email);
    // The page has the anti-CSRF token of the session that the code has started.
    await press(page, 'Log out');
    await expectTitle(page, 'Log in');
  });
  await steps.take('spa: the next login of the user asks for a code of the app', async () => {
    const page = await openPage(browser);
    await page.goto(origin);
    await logInToSecondStep(page, email);
    await answerSecondStep(page, codeOf(secret, 1));
    await expectTitle(page, email);
  });
}

async function signUp(page: Page, origin: string, email: string): Promise<void> {
  await page.goto(origin);
  await press(page, 'Sign up');
  await submit(page, 'Sign up', email);
  await expectTitle(page, email);
}
