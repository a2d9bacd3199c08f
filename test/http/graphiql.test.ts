import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { exampleOperations } from '../../src/http/routes/graphiql/examples.ts';
import { type Data, password, startApi, type TestApi } from '../support/api.ts';
import { openBrowser } from '../support/browser.ts';
import { browserPath } from '../support/chromium.ts';
import { temporaryFolder } from '../support/database.ts';
import { startServer } from '../support/process.ts';

/** Chooses the tab of an operation, and waits until the editor shows it. */
async function openTab(page: Page, name: string): Promise<void> {
  const shown = page.locator('.graphiql-query-editor').getByText(new RegExp(`^(query|mutation)\\s${name}\\b`));
  await expect
    .poll(
      async () => {
        await page.getByTitle(name, { exact: true }).click();
        return shown.count();
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(0);
  // GraphiQL takes a moment to see which operation is in the editor now.
  await page.waitForTimeout(1_000);
}

/** Runs the operation of the tab that is open, and returns the answer once the page shows it. */
async function run(page: Page, name: string): Promise<Data> {
  const answered = page.waitForResponse((response) =>
    (response.request().postData() ?? '').includes(`"operationName":"${name}"`),
  );
  await page.getByRole('button', { name: /^Execute query/ }).click();
  const text = await (await answered).text();
  await page.locator('.graphiql-response').getByText('"data"').waitFor();
  return JSON.parse(text).data;
}

async function runTab(page: Page, name: string): Promise<Data> {
  await openTab(page, name);
  return run(page, name);
}

describe('GraphiQL', () => {
  const get = (api: TestApi, path: string, headers: Record<string, string> = {}) =>
    api.app.fetch(new Request(new URL(path, api.config.publicUrl), { headers }));

  /** The paths that the page and its scripts load. */
  async function assetPaths(api: TestApi): Promise<string[]> {
    const html = await (await get(api, '/graphql', { accept: 'text/html' })).text();
    const start = await (await get(api, '/graphql/start.js')).text();
    const inPage = [...html.matchAll(/(?:src|href)="([^"]*)"/g)];
    const inScript = [...start.matchAll(/"(\/graphql\/[^"]*)"/g)];
    return [...inPage, ...inScript].map(([, path = '']) => path);
  }

  it('is a small page without inline scripts, which may call this server only', async () => {
    const api = await startApi();
    const page = await get(api, '/graphql', { accept: 'text/html' });
    expect(page.status).toBe(200);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'; script-src 'self'; worker-src 'self';");
    expect(policy).toContain("connect-src 'self'");
    expect(page.headers.get('cache-control')).toBe('no-store');
    const html = await page.text();
    expect(html.length).toBeLessThan(2_000);
    expect(html).not.toMatch(/<script>|(src|href)="?https?:/);
  });

  it('has files that browsers store, and revalidate by their entity tag', async () => {
    const api = await startApi();
    const paths = await assetPaths(api);
    expect(paths).toHaveLength(7);
    for (const path of paths) {
      const first = await get(api, path);
      expect(first.status, path).toBe(200);
      const bytes = Buffer.from(await first.arrayBuffer());
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toBe(`"${hash('sha256', bytes, 'base64url')}"`);
      expect(first.headers.get('content-length')).toBe(String(bytes.length));
      expect(first.headers.get('content-type')).toMatch(/^(text\/(javascript|css); charset=utf-8|image\/x-icon)$/);
      expect(first.headers.get('cache-control')).toBe('no-cache');
      expect(first.headers.get('x-content-type-options')).toBe('nosniff');
      for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await get(api, path, { 'if-none-match': condition });
        expect(again.status, condition).toBe(304);
        expect(again.headers.get('etag')).toBe(etag);
        expect(await again.text()).toBe('');
      }
      expect((await get(api, path, { 'if-none-match': '"other"' })).status).toBe(200);
    }
  });

  it('does not exist if it is off, as in production, nor under the name of another host', async () => {
    const api = await startApi({
      graphiql: readConfig({ NODE_ENV: 'production', PUBLIC_URL: 'https://sessions.example' }).graphiql,
    });
    const paths = await assetPaths(await startApi());
    for (const path of paths) expect((await get(api, path)).status, path).toBe(404);
    const visit = await get(api, '/graphql', { accept: 'text/html' });
    expect(visit.headers.get('content-type') ?? '').not.toContain('text/html');
    const open = await startApi();
    for (const path of ['/graphql', ...paths]) {
      expect((await get(open, path, { accept: 'text/html', host: 'evil.example' })).status, path).toBe(421);
    }
  });

  it('has examples that are valid operations of this schema', async () => {
    const api = await startApi();
    for (const query of exampleOperations) {
      for (const [, operationName] of query.matchAll(/^(?:query|mutation) (\w+)/gm)) {
        const request = new Request(new URL('/graphql', api.config.publicUrl), {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
          body: JSON.stringify({ query, operationName, variables: { id: 'x', token: 'x' } }),
        });
        expect((await api.app.fetch(request)).status, operationName).toBe(200);
      }
    }
  });

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
      await page.goto(server.address);
      await page.getByTitle('Visit', { exact: true }).waitFor();

      await runTab(page, 'Visit');
      const { signUp } = await runTab(page, 'SignUp');
      expect(signUp.session.publicData).toEqual({ cart: ['tea', 'milk'] });
      expect(signUp.viewer.email).toBe('ada@example.com');
      expect((await runTab(page, 'Me')).viewer.sessions).toMatchObject([{ isCurrent: true }]);

      await page.reload();
      const login = `mutation { login(email: "ada@example.com", password: "${password}", transport: BEARER) {
      ... on SignInPayload { session { id } } } }`;
      const other = await fetch(server.address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: login }),
      });
      const { id } = ((await other.json()) as Data).data.login.session;
      expect((await runTab(page, 'Me')).viewer.sessions).toHaveLength(2);

      await openTab(page, 'Revoke');
      await page.locator('.graphiql-editor-tool .monaco-editor').first().click();
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(`{ "id": "${id}" }`);
      // The editor may close the bracket by itself.
      await page.keyboard.press('Control+Shift+End');
      await page.keyboard.press('Delete');
      const { revoke } = await run(page, 'Revoke');
      expect(revoke.revokedSessionId).toBe(id);
      expect(revoke.viewer.sessions).toHaveLength(1);

      expect((await runTab(page, 'LogOut')).logout.revokedSessionId).not.toBeNull();
      expect(await runTab(page, 'Me')).toEqual({ viewer: null, currentSession: null });

      const { host } = new URL(server.address);
      const elsewhere = requested.filter((url) => /^(https?|wss?):/.test(url) && new URL(url).host !== host);
      expect(elsewhere).toEqual([]);
      expect(failures).toEqual([]);
    },
  );
});
