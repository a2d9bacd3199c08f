import { describe, expect, it } from 'vitest';
import { commandScope } from '../../src/scope.ts';
import { resumeSession } from '../../src/sessions/resume.ts';
import { hashToken } from '../../src/tokens/token.ts';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';

const hour = 3_600_000;
const sessions = { idleTimeoutMs: 10 * hour, lifetimeMs: 100 * hour };
const key = 'the key of a service';
const me = '{ viewer { email } }';
const device = '{ currentSession { clientName ipAddress lastSeenAt } }';

const agentOf = (version: number) =>
  `Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`;
const firefox = { 'user-agent': agentOf(128) };
const browserAddress = '203.0.113.9';
const backendAddress = '10.0.0.7';

function later(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

/** Returns a browser that has signed up, and the backend of an application, which passes its cookie on. */
async function browserAndBackend() {
  const api = await startApi({ sessions, hashedServiceKeys: [hashToken(key)] });
  const browser = Object.assign(api.client(), { address: browserAddress });
  const signUp = `mutation { signUp(email: "ada@example.com", password: "${password}") { __typename } }`;
  const { headers } = await browser.send(signUp, {}, firefox);
  const maxAge = Number(/Max-Age=(\d+)/.exec(headers.getSetCookie()[0] ?? '')?.[1]);
  const backend = Object.assign(api.client(), { address: backendAddress, cookie: browser.cookie });
  const ask = async (client: Client, query: string, sent: Record<string, string>) =>
    (await client.send(query, {}, sent)).data;
  return { api, browser, backend, ask, maxAge };
}

describe('device of a session', () => {
  it.each<[string, Record<string, string>]>([
    ['the program my-api', { 'user-agent': 'my-api/1.0' }],
    ['fetch of Node.js', { 'user-agent': 'node', 'sec-fetch-mode': 'cors' }],
    ['a program without a user agent', {}],
    ['a service with the user agent of the browser', { ...firefox, 'x-service-key': key }],
    ['a service that passes on all headers', { ...firefox, 'sec-fetch-site': 'same-origin', 'x-service-key': key }],
  ])('stays that of the browser while a backend asks: %s', async (_name, sent) => {
    const { api, browser, backend, ask } = await browserAndBackend();
    later(api, 2 * hour);
    expect(await ask(backend, me, sent)).toEqual({ viewer: { email: 'ada@example.com' } });
    expect((await ask(browser, device, firefox)).currentSession).toEqual({
      clientName: 'Firefox on Windows',
      ipAddress: browserAddress,
      // The use by the backend counts.
      lastSeenAt: api.clock.now.toISOString(),
    });
  });

  it.each<[string, Record<string, string>, string | null]>([
    ['a newer version of the browser', { 'user-agent': agentOf(129) }, 'Firefox on Windows'],
    ['a browser that names itself in another way', { 'user-agent': 'x', 'sec-fetch-site': 'same-origin' }, null],
    ['a page that the user opens', { ...firefox, 'sec-fetch-site': 'none' }, 'Firefox on Windows'],
  ])('follows the client itself: %s', async (_name, sent, clientName) => {
    const { api, browser, ask } = await browserAndBackend();
    later(api, 2 * hour);
    browser.address = '198.51.100.3';
    expect((await ask(browser, device, sent)).currentSession).toMatchObject({ clientName, ipAddress: '198.51.100.3' });
    expect(await api.database.session.findFirst()).toMatchObject({ userAgent: sent['user-agent'] });
  });

  it('is not taken over by another program if neither has a name', async () => {
    const { api, browser, ask } = await browserAndBackend();
    await api.database.session.updateMany({ data: { userAgent: 'nameless' } });
    later(api, 2 * hour);
    await ask(browser, me, { 'user-agent': 'node' });
    expect(await api.database.session.findFirst()).toMatchObject({ userAgent: 'nameless', ipAddress: browserAddress });
    later(api, 2 * hour);
    browser.address = '198.51.100.3';
    await ask(browser, me, { 'user-agent': 'nameless' });
    expect(await api.database.session.findFirst()).toMatchObject({ ipAddress: '198.51.100.3' });
  });
});

describe('cookie of a session', () => {
  it('keeps a browser signed in while only a backend asks, up to the absolute lifetime', async () => {
    const { api, browser, backend, ask, maxAge } = await browserAndBackend();
    expect(maxAge * 1_000).toBe(sessions.lifetimeMs);
    const start = api.clock.now.getTime();
    const hasCookie = () => api.clock.now.getTime() < start + maxAge * 1_000;
    // Far beyond the idle timeout, which ends the session once nobody asks.
    for (let asked = 0; asked < 24; asked += 1) {
      later(api, 4 * hour);
      const { data, headers } = await backend.send(me, {}, { 'user-agent': 'my-api/1.0' });
      expect(data.viewer).not.toBeNull();
      expect(headers.getSetCookie()).toEqual([]);
    }
    expect(hasCookie()).toBe(true);
    expect(await ask(browser, me, firefox)).toEqual({ viewer: { email: 'ada@example.com' } });
    later(api, 4 * hour - 1);
    expect(hasCookie()).toBe(true);
    expect(await ask(browser, me, firefox)).toEqual({ viewer: { email: 'ada@example.com' } });
    later(api, 1);
    expect(hasCookie()).toBe(false);
    expect(await ask(browser, me, firefox)).toEqual({ viewer: null });
  });

  it('does not keep anyone signed in who lets the idle timeout pass', async () => {
    const { api, browser, backend, ask } = await browserAndBackend();
    later(api, 10 * hour);
    expect(await ask(backend, me, firefox)).toEqual({ viewer: null });
    expect(await ask(browser, me, firefox)).toEqual({ viewer: null });
  });

  it('lasts as long as a session that outlives a stricter policy', async () => {
    const { api, browser } = await browserAndBackend();
    const expiresAt = new Date(api.clock.now.getTime() + 200 * hour);
    await api.database.session.updateMany({ data: { expiresAt } });
    const { antiCSRFToken } = (await browser.ask('{ currentSession { antiCSRFToken } }')).currentSession;
    browser.antiCSRFToken = antiCSRFToken;
    const { headers } = await browser.send(`mutation { reauthenticate(password: "${password}") { __typename } }`);
    expect(headers.getSetCookie()).toEqual([expect.stringContaining(`; Max-Age=${200 * 3_600};`)]);
  });
});

describe('use of a session', () => {
  it.each(['client', 'backend', 'none'] as const)('writes what it says: %s', async (use) => {
    const { api, backend } = await browserAndBackend();
    later(api, 2 * hour);
    const [, token = ''] = backend.cookie?.split('=') ?? [];
    const before = await api.database.session.findFirstOrThrow();
    const client = { userAgent: 'my-api/1.0', ipAddress: backendAddress };
    const scope = { ...commandScope(api.clock.now), client };
    const policies = { ...api.config, legacyTokens: null, use };
    const { session } = await resumeSession(api.database, scope, token, policies);
    const used = { lastSeenAt: api.clock.now, expiresAt: new Date(api.clock.now.getTime() + sessions.idleTimeoutMs) };
    const written = { client: { ...used, ...client }, backend: used, none: {} }[use];
    const after = await api.database.session.findFirstOrThrow();
    expect(after).toEqual({ ...before, ...written, updatedAt: after.updatedAt });
    expect(session).toMatchObject({ ...after, user: { email: 'ada@example.com' } });
    if (use === 'none') expect(after.updatedAt).toEqual(before.updatedAt);
  });
});
