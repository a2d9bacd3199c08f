/** The actions of users in the browser. Both applications have the same forms and lists. */
import assert from 'node:assert/strict';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

export const password = 'correct horse battery staple';

/** The user agent and the name of a second device. */
export const phone = {
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
  clientName: 'Safari on iOS',
};

/** In milliseconds: only for a page that never gets there. */
const patienceMs = 30_000;

/** Opens a page in a browser of its own, without cookies. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 800, height: 600 }, ...options });
  context.setDefaultTimeout(patienceMs);
  return context.newPage();
}

/** Fills the form of a login or a sign-up, and sends it. */
export async function submit(page: Page, label: 'Log in' | 'Sign up', email: string, secret = password): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(secret);
  await page
    .getByRole('main')
    .getByRole('button', { name: label, exact: true })
    .and(page.locator('[type=submit]'))
    .click();
}

/** Waits until the page has this title. */
export async function expectTitle(page: Page, title: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
}

/** Waits until the page says that a mail is on its way. */
export async function expectMail(page: Page, email: string): Promise<void> {
  await expectTitle(page, 'Check your mail');
  await page
    .getByRole('status')
    .filter({ hasText: `A mail is on its way to ${email}.` })
    .waitFor();
}

/** Waits until an alert of the page contains a text, and returns the whole text. */
export async function expectAlert(page: Page, text: RegExp): Promise<string> {
  const alert = page.getByRole('main').getByRole('alert').filter({ hasText: text });
  await alert.waitFor();
  return alert.innerText();
}

/** Waits until the list of devices has this length, and returns their texts. */
export async function expectDevices(page: Page, count: number): Promise<string[]> {
  const items = page.getByRole('listitem');
  await items.nth(count - 1).waitFor();
  await items.nth(count).waitFor({ state: 'detached' });
  return items.allInnerTexts();
}

export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('main').getByRole('button', { name, exact: true }).first().click();
}

/** Expects the cookies of an origin: names, and that no script can read them. */
export async function expectCookies(page: Page, origin: string, names: string[]): Promise<void> {
  const cookies = await page.context().cookies(origin);
  assert.deepEqual(cookies.map(({ name }) => name).sort(), names.sort());
  assert.ok(cookies.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax'));
}
