/** A user of the single-page application who adds a passkey and an app, loses the phone, and gets back in. */
import type { Page } from 'playwright-core';
import type { Visit } from './application.ts';
import { addAuthenticator, answerSecondStep, confirmApp, logInToSecondStep } from './factors.ts';
import { expectAlert, expectTitle, openPage, press, submit } from './people.ts';

const email = 'dora@example.com';

export async function visitSpaWithFactors({ browser, addresses: { spa: origin }, steps, show }: Visit): Promise<void> {
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
    await page.goto(origin);
    await press(page, 'Sign up');
    await submit(page, 'Sign up', email);
    await expectTitle(page, email);
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
