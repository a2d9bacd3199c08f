import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { examples } from '../../src/http/routes/graphiql/examples/examples.ts';
import type { Data } from '../support/api.ts';
import { openBrowser } from '../support/browser.ts';
import { browserPath } from '../support/chromium.ts';
import { temporaryFolder } from '../support/database.ts';
import { startServer } from '../support/process.ts';

/** The widths of a large window, a small one, and a phone, in pixels. */
const widths = [1_920, 1_280, 420];

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
  return (await (await answered).json()).data;
}

async function runTab(page: Page, name: string): Promise<Data> {
  await openTab(page, name);
  return run(page, name);
}

/** Replaces the text of an editor, as by pasting: typed brackets would close themselves. */
async function replaceText(page: Page, editor: string, text: string): Promise<void> {
  await page.locator(`${editor} .monaco-editor:visible`).first().click();
  await page.keyboard.press('Control+A');
  await page.evaluate((pasted) => {
    const clipboard = new DataTransfer();
    clipboard.setData('text/plain', pasted);
    const event = new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true, cancelable: true });
    document.activeElement?.dispatchEvent(event);
  }, text);
}

describe('GraphiQL in a browser', () => {
  it.skipIf(!browserPath)(
    'takes a newcomer through a session’s life, signed in by cookie, with no other host',
    { tags: ['slow/browser'] },
    async () => {
      const server = await startServer(`file:${join(await temporaryFolder(), 'test.db')}`);
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

      await runTab(page, 'Visit');
      const { signUp } = await runTab(page, 'SignUp');
      expect(signUp.session.publicData).toEqual({ cart: ['tea'] });
      expect(signUp.viewer.email).toBe('ada@example.com');
      expect((await runTab(page, 'Me')).viewer.sessions).toMatchObject([{ isCurrent: true }]);

      await page.reload();
      const { id } = (await runTab(page, 'GetToken')).login.session;
      const { viewer } = await runTab(page, 'Me');
      expect(viewer.sessions).toHaveLength(2);

      await openTab(page, 'Revoke');
      await replaceText(page, '.graphiql-editor-tool', `{ "id": "${id}" }`);
      const { revoke } = await run(page, 'Revoke');
      expect(revoke.revokedSessionId).toBe(id);
      expect(revoke.viewer.sessions).toHaveLength(1);

      await replaceText(page, '.graphiql-query-editor', 'query Typed { viewer { name } }');
      expect(await run(page, 'Typed')).toEqual({ viewer: { name: 'Ada' } });
      expect((await runTab(page, 'LogOut')).logout.revokedSessionId).not.toBeNull();
      expect(await runTab(page, 'Me')).toEqual({ viewer: null, currentSession: null });

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
