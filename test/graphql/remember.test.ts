import { describe, expect, it } from 'vitest';
import { endExpired } from '../../src/maintenance/prune.ts';
import { type Client, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { signInMutation, signIns } from '../support/sign-ins.ts';

const hour = 3_600_000;
const day = 24 * hour;
const email = 'ada@example.com';
const me = '{ viewer { email } }';

function later(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

/** Returns the values of `Set-Cookie` for the session. */
function sessionCookies(headers: Headers): string[] {
  return headers.getSetCookie().filter((line) => line.startsWith('session='));
}

const endsWithBrowser = /^session=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/;

/** Returns a client that has logged in without being remembered. */
async function unremembered(settings: Settings = {}, transport: 'COOKIE' | 'BEARER' = 'COOKIE') {
  const api = await startApi(settings);
  await api.signUp(email);
  const client = api.client();
  const mutation = signInMutation('login', { email, password }, `remember: false, transport: ${transport}`);
  const { data } = await client.send(mutation);
  const { token, antiCSRFToken } = data.login;
  return { api, client: Object.assign(client, { token, antiCSRFToken }), start: api.clock.now.getTime() };
}

/** Uses a session every hour, and returns the number of hours after which it has ended. */
async function hoursInUse(api: TestApi, client: Client): Promise<number> {
  for (let hours = 1; ; hours += 1) {
    later(api, hour);
    if ((await client.ask(me)).viewer === null) return hours;
  }
}

describe.each(Object.entries(signIns))('%s with remember: false', (field, prepare) => {
  it('sets a cookie that ends with the browser, for a session of 12 hours', async () => {
    const api = await startApi();
    const mutation = signInMutation(field, await prepare(api), 'remember: false');
    const { data, headers } = await api.client().send(mutation);
    expect(sessionCookies(headers)).toEqual([expect.stringMatching(endsWithBrowser)]);
    const { expiresAt } = data[field].session;
    expect(Date.parse(expiresAt) - api.clock.now.getTime()).toBe(12 * hour);
  });

  it('is not the default', async () => {
    const api = await startApi();
    const { data, headers } = await api.client().send(signInMutation(field, await prepare(api)));
    expect(sessionCookies(headers)).toEqual([expect.stringContaining('; Max-Age=2592000;')]);
    expect(Date.parse(data[field].session.expiresAt) - api.clock.now.getTime()).toBe(7 * day);
  });
});

describe('session that ends with the browser', () => {
  it.each(['COOKIE', 'BEARER'] as const)('ends after its lifetime, also in continuous use: %s', async (transport) => {
    const settings = { sessions: { idleTimeoutMs: 5 * hour, unrememberedLifetimeMs: 12 * hour } };
    const { api, client } = await unremembered(settings, transport);
    expect(await hoursInUse(api, client)).toBe(12);
    await endExpired(api.database, api.clock.now, api.config.sessions);
    const [, session] = await api.database.session.findMany({ orderBy: { id: 'asc' } });
    expect(session).toMatchObject({ endReason: 'LIFETIME', expiresAt: api.clock.now });
  });

  it('ends after the idle timeout if nobody uses it', async () => {
    const { api, client } = await unremembered({ sessions: { idleTimeoutMs: 5 * hour } });
    later(api, 5 * hour);
    expect((await client.ask(me)).viewer).toBeNull();
    await endExpired(api.database, api.clock.now, api.config.sessions);
    expect(await api.database.session.count({ where: { endReason: 'IDLE_TIMEOUT' } })).toBe(2);
  });

  it('never lives longer than one that is remembered', async () => {
    const { api, client } = await unremembered({ sessions: { lifetimeMs: 3 * hour } });
    expect(await hoursInUse(api, client)).toBe(3);
  });

  it('keeps its lifetime when the settings change', async () => {
    const { api, client } = await unremembered({ sessions: { idleTimeoutMs: 5 * hour } });
    Object.assign(api.config.sessions, { lifetimeMs: 90 * day, unrememberedLifetimeMs: day });
    expect(await hoursInUse(api, client)).toBe(12);
  });

  it.each(['reauthenticate', 'changePassword'])('stays one when it gets a new token: %s', async (field) => {
    const { api, client, start } = await unremembered();
    later(api, hour);
    const args =
      field === 'reauthenticate' ? { password } : { currentPassword: password, newPassword: 'another battery staple' };
    const given = Object.entries(args).map(([name, value]) => `${name}: "${value}"`);
    const { data, headers } = await client.send(`mutation { ${field}(${given.join(', ')}) { __typename } }`);
    expect(data[field].__typename).toMatch(/Payload$/);
    expect(sessionCookies(headers)).toEqual([expect.stringMatching(endsWithBrowser)]);
    const [, session] = await api.database.session.findMany({ orderBy: { id: 'asc' } });
    expect(session).toMatchObject({ lifetimeEndsAt: new Date(start + 12 * hour) });
    later(api, 11 * hour - 1);
    expect((await client.ask(me)).viewer).not.toBeNull();
    later(api, 1);
    expect((await client.ask(me)).viewer).toBeNull();
  });

  it('is followed by a remembered one if the next login asks for it', async () => {
    const { api, client } = await unremembered();
    await client.login(email);
    later(api, day);
    expect((await client.ask(me)).viewer).toEqual({ email });
  });
});
