/** The life of an account in Chromium, by a cookie, on a page of another origin than the server. */
import assert from 'node:assert/strict';
import { Secret, TOTP } from 'otpauth';
import { type Browser, chromium, type Page } from 'playwright-core';
import { browserPath, launchOptions } from '../../test/support/chromium.ts';
import { describeMissing } from '../checks/processes.ts';

const password = 'correct horse battery staple';

/** In milliseconds. Everything on the page takes a fraction of a second on a quiet machine. */
const patienceMs = 30_000;

/** Starts the browser of the machine. @throws Error with a sentence if there is none */
export async function openBrowser(): Promise<Browser> {
  if (browserPath === undefined) throw new Error(describeMissing({ command: 'chromium', debianPackage: 'chromium' }));
  return chromium.launch(launchOptions());
}

/** Goes through the life of an account on the page of a client. */
export async function checkPage(browser: Browser, pageUrl: string, graphqlUrl: string): Promise<void> {
  const context = await browser.newContext();
  context.setDefaultTimeout(patienceMs);
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', ({ message }) => problems.push(message));
    await page.goto(pageUrl);
    const email = `browser-${crypto.randomUUID()}@example.com`;
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('The email address or the password is wrong.').waitFor();
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign up' }).click();
    await page.getByText(email).waitFor();
    const [cookie, ...others] = (await context.cookies()).filter(({ name }) => name === 'session');
    assert.ok(cookie?.httpOnly && others.length === 0, 'the session is in a cookie that no script reads');

    // Another device signs in. After a reload, the page has the session of its cookie.
    const token = await logIn(graphqlUrl, email);
    await page.reload();
    await page.getByText(email).waitFor();

    // The device ends the session of the page, whose next request finds nobody signed in.
    await ask(graphqlUrl, 'mutation { revokeOthers { revokedSessionIds } }', token);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText(email).waitFor();

    // The page ends the session of the device.
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('listitem').count(), 1, 'the list has only this device');
    await checkSecondFactor(page, email);

    // The cookie alone changes nothing.
    assert.deepEqual(await logOutByCookie(page, graphqlUrl), [403, 'CSRF_TOKEN_INVALID']);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

/** Adds an authenticator app on the page, and logs in with a code of it. The second login trusts the device. */
async function checkSecondFactor(page: Page, email: string): Promise<void> {
  const typeCode = async (code: string) => {
    await page.getByLabel('Code', { exact: true }).fill(code);
    await page.getByRole('button', { name: 'Continue' }).click();
  };
  const logInAgain = async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  };
  const isWrong = page.getByText('This code is wrong, or it was used already.');
  await page.getByRole('button', { name: 'Add an authenticator app' }).click();
  const secret = (await page.locator('code').filter({ hasText: /./ }).textContent()) ?? '';
  const app = new TOTP({ secret: Secret.fromBase32(secret) });
  // The server takes the current code and the next one, each once.
  const now = Date.now();
  await typeCode('12345');
  await isWrong.waitFor();
  await typeCode(app.generate({ timestamp: now }));
  await page.getByText('Keep these codes').waitFor();

  await logInAgain();
  await page.getByText('Type the code of your authenticator app or a recovery code.').waitFor();
  assert.equal(await page.getByText(email).isVisible(), false, 'the first step signs nobody in');
  await typeCode(app.generate({ timestamp: now }));
  await isWrong.waitFor();
  await page.getByLabel('Ask for no code on this device').check();
  await typeCode(app.generate({ timestamp: now + 30_000 }));
  await page.getByText(email).waitFor();

  await logInAgain();
  await page.getByText(email).waitFor();
}

/** Logs a device in. Returns its bearer token. */
async function logIn(graphqlUrl: string, email: string): Promise<string> {
  const fields = '{ ... on SignInPayload { token } }';
  const query = `mutation { login(email: "${email}", password: "${password}", transport: BEARER) ${fields} }`;
  const { token } = (await ask(graphqlUrl, query)).login as { token: string };
  return token;
}

async function ask(graphqlUrl: string, query: string, token?: string): Promise<Record<string, unknown>> {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

/** Sends a logout from the page without the anti-CSRF token. Returns the status and the code. */
function logOutByCookie(page: Page, graphqlUrl: string): Promise<[number, string]> {
  return page.evaluate(async (url) => {
    const response = await fetch(url, {
      method: 'POST',
      credentials: 'include',
      headers: { 'content-type': 'application/json' },
      body: '{"query": "mutation { logout { revokedSessionId } }"}',
    });
    return [response.status, (await response.json()).errors[0].extensions.code] as [number, string];
  }, graphqlUrl);
}
