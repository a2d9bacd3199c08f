/** Users of the single-page application who add factors, and lose some. */
import type { Page } from 'playwright-core';
import type { Visit } from './application.ts';
import {
  addAuthenticator,
  answerSecondStep,
  codeOf,
  confirmApp,
  logInToSecondStep,
  logInWithNewApp,
} from './factors.ts';
import { expectAlert, expectTitle, openPage, press, submit } from './people.ts';

/** A user who adds a passkey and an authenticator app, loses the phone, and gets back in. */
export async function visitSpaWithFactors({ browser, addresses: { spa: origin }, steps, show }: Visit): Promise<void> {
  const email = 'dora@example.com';
  const page = await openPage(browser);
  await addAuthenticator(page);
  let recoveryCode = '';

  async function logInElsewhere(): Promise<Page> {
    const other = await openPage(browser);
    await other.goto(origin);
    await logInToSecondStep(other, email);
    return other;
  }

  await steps.take('spa: a user adds a passkey', async () => {
    await signUp(page, origin, email);
    await press(page, 'Add a passkey');
    await page.getByText('Passkeys: 1').waitFor();
  });
  await steps.take('spa: the user adds an authenticator app, and gets recovery codes', async () => {
    await press(page, 'Add an authenticator app');
    const { codes } = await confirmApp(page, () => show(page, 'spa-authenticator-app'));
    recoveryCode = codes[0] ?? '';
  });
  await steps.take('spa: the passkey logs the user in, without a password', async () => {
    await press(page, 'Log out');
    await press(page, 'Log in with a passkey');
    await expectTitle(page, email);
  });
  await steps.take('spa: on another device, the password asks for a second step', async () => {
    const other = await logInElsewhere();
    await answerSecondStep(other, '000000');
    await expectAlert(other, /wrong/);
    await show(other, 'spa-second-step');
  });
  await steps.take('spa: a recovery code stands for the lost phone', async () => {
    const other = await logInElsewhere();
    await answerSecondStep(other, recoveryCode);
    await expectTitle(other, email);
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
