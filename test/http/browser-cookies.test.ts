import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type App, createApp } from '../../src/http/front-door.ts';
import { type Data, type Settings, startApi, type TestApi } from '../support/api.ts';
import { openProfile } from '../support/browser.ts';
import { browserPath } from '../support/chromium.ts';
import { temporaryFolder } from '../support/database.ts';
import { signInMutation } from '../support/sign-ins.ts';

const server = 'https://accounts.example.com';
const application = 'https://app.example.com';
const otherSite = 'https://app.example.net';
const me = '{ viewer { email } }';
const args = { email: 'ada@example.com', password: 'correct horse battery staple' };
const signedIn = { data: { viewer: { email: args.email } } };
const signedOut = { data: { viewer: null } };

type Site = {
  api: TestApi;
  port: number;
  /** Starts the server anew with other settings, on the same database. */
  restart(settings: Settings): void;
};

/** Serves the API at one host over https, and at every other host a page, and the cookies that the host received. */
async function startSite(settings: Settings): Promise<Site> {
  const api = await startApi();
  const appWith = ({ sessions: _sessions, secondFactor: _factor, attempts, blitz: _blitz, ...rest }: Settings): App => {
    const own = { publicUrl: new URL(server), allowedOrigins: new Set([application, otherSite]) };
    const report = (error: unknown) => api.reported.push(error);
    return createApp({
      database: api.database,
      config: { ...api.config, ...own, ...rest, attempts: { ...api.config.attempts, ...attempts } },
      report,
    });
  };
  let app = appWith(settings);
  // A key for these tests only. The browser accepts any certificate.
  const folder = 'test/fixtures/tls';
  const [key, cert] = await Promise.all([readFile(`${folder}/key.pem`), readFile(`${folder}/certificate.pem`)]);
  const https = createServer({ key, cert }, async (request, response) => {
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    const url = `https://${request.headers.host}${request.url}`;
    if (new URL(url).origin !== server) {
      response.setHeader('content-type', 'text/html').end(`<pre>${request.headers.cookie ?? ''}</pre>`);
      return;
    }
    const body = request.method === 'POST' ? { body: Buffer.concat(await request.toArray()) } : {};
    const answer = await app.fetch(
      new Request(url, { method: request.method ?? 'GET', headers, ...body }),
      '127.0.0.1',
    );
    for (const [name, value] of answer.headers) response.appendHeader(name, value);
    response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    https.closeAllConnections();
    https.close();
  });
  const restart = (next: Settings) => {
    app = appWith(next);
  };
  // It listens on a port, not on a pipe.
  return { api, port: (https.address() as AddressInfo).port, restart };
}

/** Sends an operation from the script of a page. */
function ask(page: Page, query: string, antiCSRFToken = ''): Promise<Data> {
  const sent = { url: `${server}/graphql`, query, antiCSRFToken };
  return page.evaluate(async ({ url, query: text, antiCSRFToken: token }) => {
    const headers = { 'content-type': 'application/json', ...(token && { 'anti-csrf': token }) };
    const body = JSON.stringify({ query: text });
    return (await fetch(url, { method: 'POST', credentials: 'include', headers, body })).json();
  }, sent);
}

async function openPage(context: BrowserContext, origin: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(origin);
  return page;
}

/** Returns the names of the session cookies that a host receives. */
async function namesAt(context: BrowserContext, origin: string): Promise<string[]> {
  const page = await openPage(context, origin);
  const text = (await page.textContent('pre')) ?? '';
  await page.close();
  return text.split('; ').flatMap((pair) => (/session=/.test(pair) ? (pair.split('=')[0] ?? []) : []));
}

/** Returns the session cookies of a browser, each with its domain. */
async function sessionsIn(context: BrowserContext): Promise<string[]> {
  const cookies = await context.cookies([server, application]);
  return cookies.flatMap(({ name, domain }) => (name.endsWith('session') ? [`${name} of ${domain}`] : []));
}

async function signIn(page: Page, field: 'signUp' | 'login', extra = ''): Promise<string> {
  const { data, errors } = await ask(page, signInMutation(field, args, extra));
  expect(errors).toBeUndefined();
  return data[field].antiCSRFToken;
}

describe.skipIf(!browserPath)('session cookie in a browser', { tags: ['slow/browser'] }, () => {
  it('reaches the backend of the application only with COOKIE_DOMAIN', async () => {
    const site = await startSite({});
    const context = await openProfile(await temporaryFolder(), site.port);
    const page = await openPage(context, application);
    await signIn(page, 'signUp');
    expect(await ask(page, me)).toEqual(signedIn);
    expect(await namesAt(context, application)).toEqual([]);
    expect(await sessionsIn(context)).toEqual(['__Host-session of accounts.example.com']);

    site.restart({ cookieDomain: 'example.com' });
    expect(await ask(page, me)).toEqual(signedIn);
    expect(await namesAt(context, application)).toEqual(['__Secure-session']);
    expect(await namesAt(context, 'https://blog.example.com')).toEqual(['__Secure-session']);
    expect(await namesAt(context, otherSite)).toEqual([]);
    expect(await sessionsIn(context)).toEqual(['__Secure-session of .example.com']);

    site.restart({});
    expect(await ask(page, me)).toEqual(signedOut);
    await signIn(page, 'login');
    expect(await ask(page, me)).toEqual(signedIn);
    expect(await sessionsIn(context)).toEqual(['__Host-session of accounts.example.com']);
    expect(site.api.reported).toEqual([]);
  });

  it('is one cookie after a change of the domain and a login, and gone after a logout', async () => {
    const site = await startSite({ cookieDomain: 'example.com' });
    const context = await openProfile(await temporaryFolder(), site.port);
    const page = await openPage(context, application);
    const antiCSRFToken = await signIn(page, 'signUp');
    site.restart({ cookieDomain: 'accounts.example.com' });
    expect(await ask(page, me)).toEqual(signedIn);
    const login = await ask(page, signInMutation('login', args), antiCSRFToken);
    expect(await sessionsIn(context)).toEqual(['__Secure-session of .accounts.example.com']);
    await ask(page, 'mutation { logout { revokedSessionId } }', login.data.login.antiCSRFToken);
    expect(await sessionsIn(context)).toEqual([]);
  });

  it('has no effect for a public suffix, because browsers refuse it', async () => {
    const site = await startSite({ cookieDomain: 'com' });
    const context = await openProfile(await temporaryFolder(), site.port);
    const page = await openPage(context, application);
    await signIn(page, 'signUp');
    expect(await sessionsIn(context)).toEqual([]);
    expect(await ask(page, me)).toEqual(signedOut);
  });

  it('ends with the browser if the login says remember: false, and else does not', async () => {
    const site = await startSite({ cookieDomain: 'example.com' });
    const folder = await temporaryFolder();
    const first = await openProfile(folder, site.port);
    const page = await openPage(first, application);
    const antiCSRFToken = await signIn(page, 'signUp', 'remember: false');
    expect(await ask(page, me)).toEqual(signedIn);
    // A new token changes nothing about it.
    const reauthenticate = `mutation { reauthenticate(password: "${args.password}") { __typename } }`;
    expect((await ask(page, reauthenticate, antiCSRFToken)).errors).toBeUndefined();
    expect(await ask(page, me)).toEqual(signedIn);
    await first.close();

    const second = await openProfile(folder, site.port);
    const again = await openPage(second, application);
    expect(await ask(again, me)).toEqual(signedOut);
    await signIn(again, 'login');
    await second.close();

    const third = await openPage(await openProfile(folder, site.port), application);
    expect(await ask(third, me)).toEqual(signedIn);
  });

  it('is refused to a page of another site, whose browser would drop it', async () => {
    const site = await startSite({ cookieDomain: 'example.com' });
    const context = await openProfile(await temporaryFolder(), site.port);
    const page = await openPage(context, otherSite);
    const { errors } = await ask(page, signInMutation('signUp', args));
    expect(errors[0].extensions.code).toBe('CROSS_SITE_COOKIE');
    expect(await site.api.database.session.count()).toBe(0);
    const { data } = await ask(page, signInMutation('signUp', args, 'transport: BEARER'));
    expect(data.signUp.token).toMatch(/^gqs_[0-9a-f]{32}\./);
  });
});

describe.skipIf(!browserPath)('page of another origin of the same site', { tags: ['slow/browser'] }, () => {
  it('sends the headers that the operator allows, and reads the id of a request and the time for a retry', async () => {
    const site = await startSite({ allowedHeaders: ['traceparent'], attempts: { anonymousSessionsPerAddress: 1 } });
    const page = await openPage(await openProfile(await temporaryFolder(), site.port), application);
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    /** Starts an anonymous session. Returns null if the browser keeps the answer from the page. */
    const start = (headers: Record<string, string>) =>
      page.evaluate(
        async ({ url, own }) => {
          const body = JSON.stringify({ query: 'mutation { startSession(transport: BEARER) { token } }' });
          const all = { 'content-type': 'application/json', ...own };
          const answer = await fetch(url, { method: 'POST', headers: all, body }).catch(() => null);
          const read = (name: string) => answer?.headers.get(name) ?? null;
          return answer && { status: answer.status, id: read('x-request-id'), retryAfter: read('retry-after') };
        },
        { url: `${server}/graphql`, own: headers },
      );
    const id = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(await start({ traceparent })).toEqual({ status: 200, id, retryAfter: null });
    expect(await start({ traceparent })).toEqual({ status: 429, id, retryAfter: '3600' });
    expect(await start({ tracestate: 'a=b' })).toBeNull();
  });
});
