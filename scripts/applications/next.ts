import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { freePort } from '../../test/support/ports.ts';
import { type Running, startProgram } from '../checks/processes.ts';
import { type Application, timeoutMs, type Visit } from './application.ts';
import { visitNextWithFactors, visitWithEnrolment } from './next-factors.ts';
import {
  expectAlert,
  expectCookies,
  expectDevices,
  expectMail,
  expectTitle,
  openPage,
  phone,
  press,
  submit,
} from './people.ts';
import { binary, root } from './prepare.ts';

const command = binary('next/dist/bin/next');
const cwd = join(root, 'next');
const quiet = { NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', CI: 'true', NODE_ENV: 'production' };

const email = 'ada@example.com';

export const nextApplication: Application = {
  name: 'next',
  build: () => promisify(execFile)(process.execPath, [command, 'build'], { cwd, env: quiet, timeout: timeoutMs }),
  start: ({ ports, server }, { clientId, clientSecret }) =>
    startNext(ports.next, { AUTH_URL: server, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret }),
  async visit(visit) {
    // Before the others: the library waits a second for a verdict, and a login beside it takes all processors.
    await visitDevices(visit);
    await Promise.all([visitNextWithFactors(visit), visitWithEnrolment(visit)]);
    await visitPrivateSignUp(visit);
  },
  async visitWithoutServer({ browser, addresses: { next: origin }, steps }) {
    await steps.take('next: without the server, no user is taken for a visitor', async () => {
      const page = await openPage(browser);
      const cookie = { name: 'session', value: 'gqs_any', url: origin, httpOnly: true };
      await page.context().addCookies([cookie]);
      for (const path of ['/', '/account']) {
        await page.goto(`${origin}${path}`);
        await expectAlert(page, /not available/);
        assert.equal(new URL(page.url()).pathname, path);
      }
      await page.goto(`${origin}/login`);
      await submit(page, 'Log in', email);
      await expectAlert(page, /does not answer/);
      assert.equal(await page.evaluate(async () => (await fetch('/orders', { method: 'POST' })).status), 503);
    });
  },
};

function startNext(port: number, settings: Record<string, string>): Promise<Running> {
  const args = [command, 'start', '--hostname', '127.0.0.1', '--port', String(port)];
  return startProgram(process.execPath, args, { cwd, env: { ...quiet, ...settings }, port });
}

/** Signs up at a server that hides which accounts exist, through another process of the application. */
async function visitPrivateSignUp({ browser, privateServer, steps, show }: Visit): Promise<void> {
  const newcomer = 'Ida@example.com';
  await steps.take('next: a private sign-up tells that a mail is on its way, also without scripts', async () => {
    const port = await freePort();
    const { stop } = await startNext(port, { AUTH_URL: new URL(privateServer.url).origin });
    try {
      for (const javaScriptEnabled of [true, false]) {
        const page = await openPage(browser, { javaScriptEnabled });
        await page.goto(`http://www.shop.localhost:${port}/sign-up`);
        await submit(page, 'Sign up', newcomer);
        await expectMail(page, newcomer.toLowerCase());
        await show(page, 'next-mail');
      }
    } finally {
      await stop();
    }
  });
}

/** Visits the application as a user with two devices. */
async function visitDevices(visit: Visit): Promise<void> {
  const { browser, addresses, steps, show } = visit;
  const { next: origin, nextBackend } = addresses;
  // As from a proxy in front of the application.
  const laptop = await openPage(browser, { extraHTTPHeaders: { 'x-forwarded-for': '203.0.113.7' } });
  const hosts = new Set<string>();
  laptop.on('request', (request) => hosts.add(new URL(request.url()).host));
  const mobile = await openPage(browser, {
    userAgent: phone.userAgent,
    extraHTTPHeaders: { 'x-forwarded-for': '198.51.100.8' },
  });

  await steps.take('next: the account leads to the login page', async () => {
    await laptop.goto(`${origin}/account`);
    await expectTitle(laptop, 'Log in');
    assert.equal(new URL(laptop.url()).pathname, '/login');
  });
  await steps.take('next: no proxy keeps a protected page', async () => {
    const { headers } = await fetch(`${nextBackend}/account`, { redirect: 'manual' });
    assert.match(headers.get('cache-control') ?? '', /private.*no-store/);
  });
  await steps.take('next: a refused sign-up shows its reasons in the form', async () => {
    await laptop.getByRole('link', { name: 'Sign up' }).click();
    await expectTitle(laptop, 'Sign up');
    await submit(laptop, 'Sign up', email, 'short');
    await expectAlert(laptop, /15/);
    assert.equal(await laptop.getByLabel('Email').inputValue(), email);
    await show(laptop, 'next-sign-up');
  });
  await steps.take('next: a sign-up hands the cookies to the browser', async () => {
    await submit(laptop, 'Sign up', email);
    await expectTitle(laptop, email);
    await expectCookies(laptop, origin, ['device', 'session']);
  });
  await steps.take('next: a wrong password is refused, and a second device logs in', async () => {
    await mobile.goto(`${origin}/login`);
    await submit(mobile, 'Log in', email, 'wrong horse battery staple');
    await expectAlert(mobile, /email or the password/i);
    await submit(mobile, 'Log in', email);
    await expectTitle(mobile, email);
  });
  await steps.take('next: the list has the devices and addresses of the browsers', async () => {
    await laptop.reload();
    const devices = await expectDevices(laptop, 2);
    const other = devices.find((text) => text.includes(phone.clientName)) ?? '';
    assert.match(other, /198\.51\.100\.8/);
    assert.match(devices.find((text) => text.includes('(this device)')) ?? '', /203\.0\.113\.7/);
    await show(laptop, 'next-account');
  });
  await visitPages(visit, laptop);
  await steps.take('next: a revoked device leaves the list, and is led to the login page', async () => {
    await laptop.goto(`${origin}/account`);
    await press(laptop, 'Log out this device');
    await expectDevices(laptop, 1);
    // A server action in the session that is over.
    await press(mobile, 'Log out this device');
    await expectTitle(mobile, 'Log in');
  });
  await steps.take('next: a logout clears the cookie', async () => {
    await press(laptop, 'Log out');
    await expectTitle(laptop, 'Log in');
    await expectCookies(laptop, origin, ['device']);
  });
  await steps.take('next: the forms work without scripts', async () => {
    const plain = await openPage(browser, { javaScriptEnabled: false });
    await plain.goto(`${origin}/login`);
    await submit(plain, 'Log in', email, 'wrong horse battery staple');
    await expectAlert(plain, /email or the password/i);
    await submit(plain, 'Log in', email);
    await expectTitle(plain, email);
  });
  await steps.take('next: browsers ask the application only', async () => {
    assert.deepEqual([...hosts], [new URL(origin).host]);
  });
}

/** Visits the pages that use the verifier. */
async function visitPages({ addresses: { next: origin, nextBackend }, steps }: Visit, page: Page): Promise<void> {
  await steps.take('next: a page for everyone knows its user', async () => {
    await page.getByRole('link', { name: 'Shop' }).click();
    await page.getByText(`Welcome, ${email}.`).waitFor();
  });
  await steps.take('next: a route handler knows its user, and rejects a forged request', async () => {
    assert.equal(await page.evaluate(async () => (await fetch('/orders', { method: 'POST' })).status), 200);
    const cookies = await page.context().cookies(origin);
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const post = async (headers: Record<string, string>) =>
      (await fetch(`${nextBackend}/orders`, { method: 'POST', headers })).status;
    assert.equal(await post({ cookie, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }), 403);
    assert.equal(await post({}), 401);
  });
}
