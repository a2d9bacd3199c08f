import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { startProgram } from '../checks/processes.ts';
import { type Application, timeoutMs, type Visit } from './application.ts';
import { visitOtherOrigins } from './other-sites.ts';
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
import { visitSpaWithEnrolment, visitSpaWithFactors } from './spa-factors.ts';

const command = binary('vite/bin/vite.js');
const cwd = join(root, 'spa');
const quiet = { NO_COLOR: '1' };
const run = promisify(execFile);

const email = 'bob@example.com';

export const spaApplication: Application = {
  name: 'spa',
  async build({ accounts }) {
    const options = { cwd, env: { ...quiet, VITE_AUTH_URL: accounts }, timeout: timeoutMs };
    await run(process.execPath, [binary('typescript/bin/tsc')], options);
    await run(process.execPath, [command, 'build'], options);
  },
  start({ ports }) {
    const args = [command, 'preview', '--host', '127.0.0.1', '--port', String(ports.spa), '--strictPort'];
    return startProgram(process.execPath, args, { cwd, env: quiet, port: ports.spa });
  },
  async visit(visit) {
    const { browser, addresses, steps, show } = visit;
    const { spa: origin, accounts } = addresses;
    const laptop = await openPage(browser);
    const mobile = await openPage(browser, { userAgent: phone.userAgent });

    await steps.take('spa: a refused sign-up shows its reasons in the form', async () => {
      await laptop.goto(origin);
      await press(laptop, 'Sign up');
      await submit(laptop, 'Sign up', email, 'short');
      await expectAlert(laptop, /15/);
      await show(laptop, 'spa-sign-up');
    });
    await steps.take('spa: a sign-up stores the cookie for the server only', async () => {
      await submit(laptop, 'Sign up', email);
      await expectTitle(laptop, email);
      await expectCookies(laptop, accounts, ['device', 'session']);
      await expectCookies(laptop, origin, []);
    });
    await steps.take('spa: a second device logs in, and is in the list', async () => {
      await mobile.goto(origin);
      await submit(mobile, 'Log in', email);
      await expectTitle(mobile, email);
      assert.ok((await expectDevices(mobile, 2)).some((text) => text.includes(phone.clientName)));
    });
    await steps.take('spa: a reload keeps the session, and gets the anti-CSRF token again', async () => {
      await laptop.reload();
      await expectDevices(laptop, 2);
      await show(laptop, 'spa-account');
      await press(laptop, 'Log out this device');
      await expectDevices(laptop, 1);
    });
    await steps.take('spa: a revoked device is told that its session is over', async () => {
      await press(mobile, 'Log out this device');
      await expectAlert(mobile, /session is over/);
      await expectTitle(mobile, 'Log in');
      await show(mobile, 'spa-session-over');
    });
    await steps.take('spa: a login in another tab replaces the anti-CSRF token of this one', async () => {
      const { statuses } = watch(laptop, accounts);
      const tab = await laptop.context().newPage();
      await tab.goto(origin);
      await press(tab, 'Log out');
      await submit(tab, 'Log in', email);
      await expectTitle(tab, email);
      await press(laptop, 'Log out');
      await expectTitle(laptop, 'Log in');
      assert.ok(statuses.includes(403));
    });
    await steps.take('spa: a logout clears the cookie', () => expectCookies(laptop, accounts, ['device']));
    await visitSpaWithFactors(visit);
    await visitSpaWithEnrolment(visit);
    await visitPrivateSignUp(visit);
    await visitAsTwoUsers(visit, laptop, mobile);
    await visitOtherOrigins(visit);
  },
};

/** Signs up at a server that hides which accounts exist. It gets the requests of the page for the other server. */
async function visitPrivateSignUp({ browser, addresses, privateServer, steps, show }: Visit): Promise<void> {
  const { spa: origin, accounts } = addresses;
  const newcomer = 'Ida@example.com';
  await steps.take('spa: a private sign-up tells that a mail is on its way', async () => {
    const page = await openPage(browser);
    // The same name with another port: browsers still see one site.
    const url = new URL(`${accounts}/graphql`);
    url.port = new URL(privateServer.url).port;
    await page.route(`${accounts}/graphql`, (route) => route.continue({ url: url.href }));
    await page.goto(origin);
    await press(page, 'Sign up');
    await submit(page, 'Sign up', newcomer);
    await expectMail(page, newcomer.toLowerCase());
    await show(page, 'spa-mail');
  });
}

/** Signs in another user in a tab. The tabs of the first user must do nothing in the name of the second one. */
async function visitAsTwoUsers({ addresses, steps, show }: Visit, laptop: Page, mobile: Page): Promise<void> {
  const { spa: origin, accounts } = addresses;
  await steps.take('spa: an error without a code shows its message', async () => {
    await submit(mobile, 'Log in', email);
    await expectTitle(mobile, email);
    // A tab in the background is slow.
    await laptop.bringToFront();
    await submit(laptop, 'Log in', email);
    await expectDevices(laptop, 2);
    const headers = { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' };
    const json = { errors: [{ message: 'Something in between.' }] };
    await laptop.route(`${accounts}/graphql`, (route) => route.fulfill({ headers, json }));
    await press(laptop, 'Log out');
    await expectAlert(laptop, /Something in between/);
    await laptop.unroute(`${accounts}/graphql`);
  });
  const other = 'carol@example.com';
  const third = await laptop.context().newPage();
  const tab = await laptop.context().newPage();
  await steps.take('spa: another user signs up in another tab', async () => {
    await third.goto(origin);
    await expectDevices(third, 2);
    await tab.goto(origin);
    await press(tab, 'Log out');
    await press(tab, 'Sign up');
    await submit(tab, 'Sign up', other);
    await expectTitle(tab, other);
  });
  const tabs = [
    { page: laptop, act: 'Log out' },
    { page: third, act: 'Log out this device' },
  ];
  for (const { page, act } of tabs) {
    await steps.take(`spa: in the tab of the first user, "${act}" does nothing, and shows the other user`, async () => {
      const { mutations } = watch(page, accounts);
      await page.bringToFront();
      await press(page, act);
      await expectTitle(page, other);
      await expectAlert(page, /Another user/);
      assert.equal(mutations.length, 1);
      await tab.reload();
      await expectTitle(tab, other);
    });
  }
  await show(laptop, 'spa-other-user');
}

/** Returns the mutations of a page and the statuses of the answers of a server to it, as they come. */
function watch(page: Page, server: string): { mutations: string[]; statuses: number[] } {
  const [mutations, statuses]: [string[], number[]] = [[], []];
  page.on('response', (response) => {
    if (response.url().startsWith(server)) statuses.push(response.status());
  });
  page.on('request', (request) => {
    const text = request.postData() ?? '';
    if (text.includes('mutation')) mutations.push(text);
  });
  return { mutations, statuses };
}
