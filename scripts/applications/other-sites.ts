/** The single-page application on origins where no session cookie works: the page must learn why. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { Visit } from './application.ts';
import { expectAlert, expectCookies, openPage, password, press, submit } from './people.ts';

/** Every mutation that may start a session by cookie. */
const starts = {
  startSession: 'startSession { token }',
  setPublicData: 'setPublicData(data: { cart: 1 }) { __typename }',
  signUp: `signUp(email: "eve@example.com", password: "${password}") { __typename }`,
  login: `login(email: "eve@example.com", password: "${password}") { __typename }`,
  confirmSignUp: `confirmSignUp(token: "token", password: "${password}") { __typename }`,
  resetPassword: `resetPassword(token: "token", newPassword: "${password}") { __typename }`,
};

export async function visitOtherOrigins({ browser, addresses, server, steps, show }: Visit): Promise<void> {
  const { accounts, otherSite, foreign } = addresses;
  const page = await openPage(browser);
  await steps.take('spa: on another site, the sign-up form shows why no cookie works', async () => {
    await page.goto(otherSite);
    await press(page, 'Sign up');
    await submit(page, 'Sign up', 'eve@example.com');
    await expectAlert(page, /different sites.*transport: BEARER.*one site/s);
    await show(page, 'spa-other-site');
  });
  for (const [name, field] of Object.entries(starts)) {
    await steps.take(`spa: on another site, ${name} tells the page why, and sets no cookie`, async () => {
      const { errors } = await ask(page, accounts, `mutation { ${field} }`);
      assert.equal(errors?.[0]?.extensions.code, 'CROSS_SITE_COOKIE');
      await expectCookies(page, accounts, []);
    });
  }
  await steps.take('spa: on another site, a bearer token works', async () => {
    const { errors, data } = await ask(page, accounts, 'mutation { startSession(transport: BEARER) { token } }');
    assert.equal(errors, undefined);
    assert.match(JSON.stringify(data), /gqs_/);
  });
  await steps.take(
    'spa: on an origin that is not allowed, the page names it, and the log has the refusal',
    async () => {
      await page.goto(foreign);
      await expectAlert(page, new RegExp(`ALLOWED_ORIGINS.*${foreign}`, 's'));
      await show(page, 'spa-foreign-origin');
      assert.ok(await hasRefusal(server), 'The log has no line about the refused preflight.');
    },
  );
}

type Result = { data?: unknown; errors?: { message: string; extensions: { code: string } }[] };

/** Sends an operation from a page, with cookies, as its own scripts do. */
function ask(page: Page, server: string, query: string): Promise<Result> {
  return page.evaluate(
    async ([url, body]) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', credentials: 'include', headers, body });
      return response.json();
    },
    [`${server}/graphql`, JSON.stringify({ query })] as const,
  );
}

/** Returns whether the log has the refusal of a preflight. The line comes from another process, and may come late. */
async function hasRefusal({ log }: Visit['server']): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (log().some(({ method, status }) => method === 'OPTIONS' && status === 403)) return true;
    await sleep(100);
  }
  return false;
}
