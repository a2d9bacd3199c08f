import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { type Data, password, startApi, type TestApi } from '../support/api.ts';
import { openBrowser } from '../support/browser.ts';
import { browserPath } from '../support/chromium.ts';
import { addVirtualAuthenticator } from '../support/virtual-authenticator.ts';

/** The page of an application, with the example and its library. */
const page = `<!doctype html><title>Passkeys</title>
<script type="importmap">{ "imports": { "@simplewebauthn/browser": "/browser/index.js" } }</script>`;

/** Sends an operation with the cookie, and keeps the anti-CSRF token of its result. */
const ask = `let antiCSRFToken = '';
export async function ask(query, variables = {}) {
  const headers = { 'content-type': 'application/json', ...(antiCSRFToken && { 'anti-csrf': antiCSRFToken }) };
  const response = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  for (const result of Object.values(data)) antiCSRFToken = result?.antiCSRFToken ?? antiCSRFToken;
  return data;
}`;

async function fileOf(path: string): Promise<{ type: string; text: string } | null> {
  const script = (text: string) => ({ type: 'text/javascript', text });
  if (path === '/') return { type: 'text/html', text: page };
  if (path === '/ask.js') return script(ask);
  if (path === '/passkeys.js') return script(await readFile('examples/passkeys/passkeys.js', 'utf8'));
  if (!path.startsWith('/browser/') || extname(path) !== '.js') return null;
  return script(await readFile(`node_modules/@simplewebauthn/browser/esm/${path.slice('/browser/'.length)}`, 'utf8'));
}

/** Serves the page and the API at one origin of localhost, which browsers take for secure. */
async function startSite(): Promise<{ api: TestApi; origin: string }> {
  const api = await startApi();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', site.origin);
    const file = await fileOf(url.pathname);
    if (file) return void response.setHeader('content-type', file.type).end(file.text);
    const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const body = request.method === 'POST' ? { body: Buffer.concat(await request.toArray()) } : {};
    const init = { method: request.method ?? 'GET', headers, ...body };
    const answer = await app.fetch(new Request(url, init), '127.0.0.1');
    for (const [name, value] of answer.headers) response.appendHeader(name, value);
    response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const site = { api, origin: `http://localhost:${port}` };
  const publicUrl = new URL(site.origin);
  const passkeys = { rpId: 'localhost', origins: new Set([site.origin]), relatedOrigins: [] };
  const report = (error: unknown) => api.reported.push(error);
  const app = createApp({ database: api.database, config: { ...api.config, publicUrl, passkeys }, report });
  return site;
}

/** Calls a function of a module of the page. As a text: Vitest would rewrite the import. */
function callIn(on: Page, module: string, name: string, args: unknown[]): Promise<Data> {
  return on.evaluate(`import('/${module}.js').then((own) => own.${name}(...${JSON.stringify(args)}))`);
}

/** Calls a function of the example. */
function call(on: Page, name: string, ...args: unknown[]): Promise<Data> {
  return callIn(on, 'passkeys', name, args);
}

/** Sends an operation from the page. */
function send(on: Page, query: string): Promise<Data> {
  return callIn(on, 'ask', 'ask', [query]);
}

describe.skipIf(!browserPath)('passkeys in a browser', { tags: ['slow/browser'] }, () => {
  it('are added, sign in, complete a login and are deleted, by the code of the example', async () => {
    const { api, origin } = await startSite();
    const browser = await openBrowser();
    const tab = await (await browser.newContext()).newPage();
    await tab.goto(origin);
    const { devTools, authenticatorId } = await addVirtualAuthenticator(tab);
    const keys = async () => (await devTools.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
    const credentials = `email: "ada@example.com", password: "${password}"`;

    await send(tab, `mutation { signUp(${credentials}) { ... on SignInPayload { antiCSRFToken } } }`);
    const added = await call(tab, 'addPasskey', 'Laptop');
    expect(added).toMatchObject({ passkey: { name: 'Laptop' } });
    expect(await keys()).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }]);
    // The device has one already.
    await expect(call(tab, 'addPasskey', 'Again')).rejects.toThrow(/previously registered/);

    await send(tab, 'mutation { logout { revokedSessionId } }');
    const loggedIn = await call(tab, 'loginByPasskey');
    expect(loggedIn).toMatchObject({ __typename: 'SignInPayload', viewer: { email: 'ada@example.com' } });
    expect(await send(tab, '{ viewer { email } }')).toEqual({ viewer: { email: 'ada@example.com' } });

    await api.database.user.updateMany({ data: { secondFactorSince: api.clock.now } });
    const login = `mutation { login(${credentials}) { ... on SecondFactorRequired { challenge passkeyOptions } } }`;
    const completed = await call(tab, 'completeByPasskey', (await send(tab, login)).login);
    expect(completed).toMatchObject({ __typename: 'SignInPayload' });
    const sessions = await api.database.session.findMany({ where: { hashedSessionToken: { not: null } } });
    expect(sessions.map(({ authenticationMethods }) => authenticationMethods)).toContain('password passkey');
    const passkey = await api.database.passkey.findFirstOrThrow();
    expect(passkey.counter).toBeGreaterThan(1n);

    expect(await call(tab, 'deletePasskey', added.passkey.id)).toMatchObject({ __typename: 'DeletePasskeyPayload' });
    await expect.poll(keys).toEqual([]);
    expect(api.reported).toEqual([]);
  });
});
