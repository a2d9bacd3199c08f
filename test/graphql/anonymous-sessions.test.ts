import { describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = 'mutation { startSession(transport: BEARER) { token session { expiresAt } } }';
const setData = 'mutation { setPublicData(data: { a: 1 }, transport: BEARER) { __typename } }';
const current = '{ currentSession { lastSeenAt expiresAt } }';

function later(api: TestApi, ms: number) {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

function at(api: TestApi, ms: number): string {
  return new Date(api.clock.now.getTime() + ms).toISOString();
}

async function visitor(api: TestApi) {
  const client = api.client();
  const { startSession } = await client.ask(start);
  client.token = startSession.token;
  return { client, expiresAt: startSession.session.expiresAt };
}

describe('limit on anonymous sessions per address', () => {
  const limited = { status: 429, code: 'RATE_LIMITED' };
  const from = (api: TestApi, address: string | null) => Object.assign(api.client(), { address });

  it.each([
    ['startSession', start],
    ['setPublicData', setData],
  ])('applies per hour, if %s starts them', async (_field, operation) => {
    const api = await startApi({ attempts: { anonymousSessionsPerAddress: 3 } });
    const send = (address: string | null) => from(api, address).send(operation);
    for (const _ of [1, 2, 3]) expect((await send('203.0.113.7')).code).toBeUndefined();
    const refused = await send('203.0.113.7');
    expect(refused).toMatchObject(limited);
    expect(refused.headers.get('retry-after')).toBe('3600');
    expect(await api.database.session.count()).toBe(3);
    expect((await send('203.0.113.8')).code).toBeUndefined();
    for (const _ of [1, 2, 3, 4]) expect((await send(null)).code).toBeUndefined();
    later(api, hour);
    expect((await send('203.0.113.7')).code).toBeUndefined();
  });

  it('counts for a whole IPv6 network of /64, and for both fields together', async () => {
    const api = await startApi({ attempts: { anonymousSessionsPerAddress: 2 } });
    await from(api, '2001:db8:1:2::1').ask(start);
    await from(api, '2001:db8:1:2::2').ask(setData);
    expect(await from(api, '2001:db8:1:2::3').send(start)).toMatchObject(limited);
    expect((await from(api, '2001:db8:1:3::1').send(start)).code).toBeUndefined();
  });

  it('holds for concurrent requests', async () => {
    const api = await startApi({ attempts: { anonymousSessionsPerAddress: 3 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => from(api, '203.0.113.7').send(start)));
    expect(answers.filter(({ code }) => code === undefined)).toHaveLength(3);
    expect(await api.database.session.count()).toBe(3);
  });

  it('does not count refused data, nor an existing session', async () => {
    const api = await startApi({ attempts: { anonymousSessionsPerAddress: 1 } });
    const client = from(api, '203.0.113.7');
    const refused = await client.ask('mutation { setPublicData(data: [1]) { __typename } }');
    expect(refused.setPublicData.__typename).toBe('ValidationError');
    client.token = (await client.ask(start)).startSession.token;
    for (const _ of [1, 2, 3]) {
      expect((await client.send(start)).code).toBeUndefined();
      expect((await client.send(setData)).code).toBeUndefined();
    }
  });
});

describe('unused anonymous session', () => {
  it('expires within hours', async () => {
    const api = await startApi({ sessions: { unusedTimeoutMs: 2 * hour } });
    const { client, expiresAt } = await visitor(api);
    expect(expiresAt).toBe(at(api, 2 * hour));
    later(api, minute - 1);
    expect((await client.ask(current)).currentSession.expiresAt).toBe(expiresAt);
    later(api, 2 * hour);
    expect((await client.ask(current)).currentSession).toBeNull();
  });

  it('lives as long as any other from its first use on, a minute or more after it started', async () => {
    const api = await startApi({ sessions: { unusedTimeoutMs: 2 * hour } });
    const { client } = await visitor(api);
    later(api, minute);
    expect((await client.ask(current)).currentSession).toEqual({ lastSeenAt: at(api, 0), expiresAt: at(api, 7 * day) });
    api.statements.length = 0;
    later(api, minute);
    await client.ask(current);
    expect(api.statements.filter((sql) => sql.startsWith('UPDATE'))).toEqual([]);
  });

  it('never outlives the limits on sessions', async () => {
    const api = await startApi({ sessions: { unusedTimeoutMs: 2 * hour, idleTimeoutMs: hour } });
    const { client, expiresAt } = await visitor(api);
    expect(expiresAt).toBe(at(api, hour));
    later(api, hour - 1);
    expect((await client.ask(current)).currentSession.expiresAt).toBe(at(api, hour));
  });

  it('is not the session that a user starts', async () => {
    const api = await startApi({ sessions: { unusedTimeoutMs: 2 * hour } });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    expect((await ada.ask(current)).currentSession.expiresAt).toBe(at(api, 7 * day));
  });
});
