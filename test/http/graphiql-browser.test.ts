import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { examples } from '../../src/http/routes/graphiql/examples/examples.ts';
import type { Data } from '../support/api.ts';
import { openBrowser } from '../support/browser.ts';
import { browserPath } from '../support/chromium.ts';
import { temporaryFolder } from '../support/database.ts';
import { paste, replaceText } from '../support/graphiql.ts';
import { runNode, startServer } from '../support/process.ts';

/** The widths of a large window and of a phone, in pixels. `tryTabs` opens all tabs in a small window. */
const widths = [1_920, 420];

/** Opens the tab of an operation by a single click, and waits until the page shows that it is open. */
async function openTab(page: Page, name: string): Promise<void> {
  await page.getByTitle(name, { exact: true }).click();
  const open = page.locator('.graphiql-tab-active .graphiql-tab-button');
  await expect.poll(() => open.textContent(), { timeout: 10_000 }).toBe(name);
}

/** Runs the operation in the editor, whose name is given, and returns the answer. */
async function run(page: Page, name: string): Promise<Data> {
  const answered = page.waitForResponse((response) =>
    (response.request().postData() ?? '').includes(`"operationName":"${name}"`),
  );
  await page.getByRole('button', { name: /^Execute query/ }).click();
  const { data, errors } = await (await answered).json();
  expect(errors, name).toBeUndefined();
  return data;
}

/** Runs the subscription in the editor, waits for its first message, and stops it. */
async function runStream(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Execute query/ }).click();
  await page.locator('.graphiql-response').getByText('SessionsSnapshot').waitFor();
  await page.getByRole('button', { name: /^Stop query/ }).click();
  await page.getByRole('button', { name: /^Execute query/ }).waitFor();
}

async function runTab(page: Page, name: string): Promise<Data> {
  await openTab(page, name);
  return run(page, name);
}

/** Returns the token of the newest mail, as a reader copies it from the file. */
async function mailedToken(folder: string): Promise<string> {
  const read = async () => {
    const newest = (await readdir(folder)).sort().findLast((file) => /reset-password.*eml$/.test(file));
    return newest && /^http.*#token=(.*)$/m.exec(await readFile(join(folder, newest), 'utf8'))?.[1];
  };
  await expect.poll(read, { timeout: 20_000 }).toBeTruthy();
  return (await read()) ?? '';
}

/** Goes through all tabs in their order, and does what their comments say. Returns the secret part of the bearer token. */
async function tryTabs(page: Page, url: string, mailFolder: string): Promise<string> {
  const answers: Record<string, Data> = {};
  const pasted: Record<string, () => Promise<void>> = {
    UseToken: () => paste(page, 'Headers', { authorization: `Bearer ${answers.GetToken.login.token}` }),
    Revoke: () => paste(page, 'Variables', { id: answers.GetToken.login.session.id }),
    Reset: async () => paste(page, 'Variables', { token: await mailedToken(mailFolder) }),
    SetRole: () => paste(page, 'Variables', { id: answers.CreateUser.createUser.user.id }),
    Suspend: () => paste(page, 'Variables', { id: answers.CreateUser.createUser.user.id }),
  };
  const prepared = new Set<string>();
  for (const { query } of examples) {
    const name = /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1] ?? '';
    const first = /Run (\w+) (?:again )?first/.exec(query)?.[1];
    const command = /npx graphql-sessions ((?:.*\\\n)*.*)/.exec(query)?.[1]?.replace(/[\s\\#]+/g, ' ');
    // All tabs of administrators begin with the same preparation.
    const isPrepared = prepared.has(`${first} ${command}`);
    prepared.add(`${first} ${command}`);
    if (first && !isPrepared) await runTab(page, first);
    if (command && !isPrepared) {
      expect(await runNode('src/cli.ts', command.split(' '), { DATABASE_URL: url }).ended).toMatchObject({ code: 0 });
    }
    await openTab(page, name);
    await pasted[name]?.();
    if (/^subscription/m.test(query)) {
      await runStream(page);
      continue;
    }
    const answer = await run(page, name);
    answers[name] = answer;
    expect(Object.values(answer), name).not.toContain(null);
    expect(JSON.stringify(answer), name).not.toMatch(/"code":|"revokedSessionId":null|\[\]/);
  }
  return answers.GetToken.login.token.split('.')[1];
}

describe('GraphiQL in a browser', () => {
  it.skipIf(!browserPath)(
    'takes a newcomer through all tabs, signed in by cookie, with no other host, and stores no bearer token',
    { tags: ['slow/browser'] },
    async () => {
      const folder = await temporaryFolder();
      const url = `file:${join(folder, 'test.db')}`;
      const mailFolder = join(folder, 'mail');
      const server = await startServer(url, { MAIL_FOLDER: mailFolder });
      const page = await (await openBrowser()).newPage();
      const requested: string[] = [];
      const failures: string[] = [];
      page.on('request', (request) => requested.push(request.url()));
      page.on('pageerror', (error) => failures.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') failures.push(message.text());
      });
      await page.goto(new URL('/', server.address).href);
      await page.locator('.graphiql-query-editor').getByText('Begin here').waitFor();
      await page.locator('.graphiql-response').getByText('Press play to see the answer.').waitFor();
      expect(page.url()).toBe(server.address);

      const titles = await page.locator('.graphiql-tab-button').allTextContents();
      expect(titles).toHaveLength(examples.length);
      for (const width of widths) {
        await page.setViewportSize({ width, height: 800 });
        for (const title of titles) await openTab(page, title);
      }

      await page.setViewportSize({ width: 1_280, height: 800 });
      await page.getByTitle('SignUp', { exact: true }).hover();
      await page.mouse.down();
      await page.getByTitle('LogIn', { exact: true }).hover();
      await page.mouse.up();
      expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(titles);

      const secret = await tryTabs(page, url, mailFolder);
      await openTab(page, 'UseToken');
      const stored = (): Promise<Data> => page.evaluate(() => ({ ...localStorage }));
      const storedTab = async () => JSON.parse((await stored())['graphiql:tabState']).activeTabIndex;
      await expect.poll(storedTab).toBe(titles.indexOf('UseToken'));
      expect(JSON.stringify(await stored())).not.toContain(secret);
      await page.goto(`${server.address}?query=mutation+Strange{revokeAll{__typename}}`);
      await runTab(page, 'GetToken');
      expect((await runTab(page, 'Me')).viewer.sessions.length).toBeGreaterThan(1);
      expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(titles);

      await replaceText(page, '.graphiql-query-editor', 'query Typed { viewer { name } }');
      expect(await run(page, 'Typed')).toEqual({ viewer: { name: 'Ada' } });

      const { host } = new URL(server.address);
      const elsewhere = requested.filter((url) => /^(https?|wss?):/.test(url) && new URL(url).host !== host);
      expect(elsewhere).toEqual([]);
      expect(failures).toEqual([]);
      expect(page.url()).toBe(server.address);
      await replaceText(page, '.graphiql-query-editor', 'query Broken { viewer {');
      await page.getByRole('button', { name: /^Execute query/ }).click();
      await page.locator('.graphiql-response').getByText('Syntax Error').waitFor();
    },
  );
});
