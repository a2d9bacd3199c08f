/** Users of the application with Next.js who need a second factor. */
import type { Page } from 'playwright-core';
import type { Visit } from './application.ts';
import { confirmApp } from './factors.ts';
import { expectTitle, openPage, submit } from './people.ts';

/** A user whose role needs a second factor, and who has none. */
export async function visitWithEnrolment({ browser, addresses, server, steps, show }: Visit): Promise<void> {
  const email = 'root@example.com';
  await steps.take('next: a user who needs a second factor adds it as a part of the login', async () => {
    await signUp(await openPage(browser), addresses.next, email);
    await server.command('user', 'set-role', email, 'admin');
    // A device that the server does not know: the login gives it a cookie, which the challenge needs at once.
    const page = await openPage(browser);
    await page.goto(`${addresses.next}/login`);
    await submit(page, 'Log in', email);
    await expectTitle(page, 'Add an authenticator app');
    await confirmApp(page, () => show(page, 'next-enrolment'));
    await page.getByRole('link', { name: 'Continue' }).click();
    await expectTitle(page, email);
  });
}

async function signUp(page: Page, origin: string, email: string): Promise<void> {
  await page.goto(`${origin}/sign-up`);
  await submit(page, 'Sign up', email);
  await expectTitle(page, email);
}
