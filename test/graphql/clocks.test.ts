import { describe, expect, it } from 'vitest';
import { password, startApi, type TestApi } from '../support/api.ts';
import { countUpdates } from '../support/database.ts';

const hour = 3_600_000;
const sessions = { idleTimeoutMs: 10 * hour, lifetimeMs: 24 * hour, maxPerUser: 20 };
const current = '{ currentSession { createdAt lastSeenAt expiresAt } }';

function later(api: TestApi, ms: number) {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

function at(api: TestApi, ms: number): string {
  return new Date(api.clock.now.getTime() + ms).toISOString();
}

describe('idle timeout', () => {
  it('slides with use, and ends an unused session', async () => {
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    later(api, 9 * hour);
    expect((await ada.ask(current)).currentSession).toMatchObject({
      lastSeenAt: at(api, 0),
      expiresAt: at(api, 10 * hour),
    });
    later(api, 10 * hour - 1);
    expect((await ada.ask(current)).currentSession).not.toBeNull();
    later(api, 10 * hour);
    expect((await ada.ask(current)).currentSession).toBeNull();
  });

  it('is written at most once per tenth of its length, so that reading costs no write', async () => {
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { currentSession: first } = await ada.ask(current);
    const count = async (ms: number) => {
      later(api, ms);
      api.statements.length = 0;
      await ada.ask(current);
      return api.statements.filter((sql) => sql.startsWith('UPDATE')).length;
    };
    expect(await count(hour - 1)).toBe(0);
    expect((await ada.ask(current)).currentSession).toEqual(first);
    expect(await count(1)).toBe(1);
    expect(await count(0)).toBe(0);
    expect(await count(hour / 2)).toBe(0);
    expect(await count(hour / 2)).toBe(1);
  });

  it('is written once by many concurrent requests', async () => {
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    later(api, 2 * hour);
    api.statements.length = 0;
    const answers = await Promise.all(Array.from({ length: 10 }, () => ada.ask(current)));
    for (const { currentSession } of answers) expect(currentSession.expiresAt).toBe(at(api, 10 * hour));
    const updates = await countUpdates(api);
    later(api, 2 * hour);
    await Promise.all(Array.from({ length: 10 }, () => ada.ask(current)));
    expect(await updates()).toBe(1);
  });

  it('is enforced by the server: a renewal sets no cookie, and keeps the anti-CSRF token valid', async () => {
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com');
    for (let renewals = 0; renewals < 3; renewals += 1) {
      later(api, 2 * hour);
      const { data, headers } = await ada.send(current);
      expect(data.currentSession.lastSeenAt).toBe(at(api, 0));
      expect(headers.getSetCookie()).toEqual([]);
    }
    expect((await ada.ask('mutation { logout { revokedSessionId } }')).logout.revokedSessionId).not.toBeNull();
    expect(ada.cookie).toBeNull();
  });
});

describe('absolute lifetime', () => {
  it('ends a session in continuous use, and is never extended', async () => {
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com');
    const end = at(api, 24 * hour);
    for (let used = 0; used < 23; used += 1) {
      later(api, hour);
      expect((await ada.ask(current)).currentSession).not.toBeNull();
    }
    expect((await ada.ask(current)).currentSession.expiresAt).toBe(end);
    later(api, hour - 1);
    const last = await ada.send(current);
    expect(last.data.currentSession.expiresAt).toBe(end);
    expect(last.headers.getSetCookie()).toEqual([]);
    later(api, 1);
    expect((await ada.ask(current)).currentSession).toBeNull();
  });

  it('is the expiry from the start if it is shorter than the idle timeout', async () => {
    const api = await startApi({ sessions: { ...sessions, lifetimeMs: 2 * hour } });
    const ada = await api.signUp('ada@example.com');
    expect((await ada.ask(current)).currentSession.expiresAt).toBe(at(api, 2 * hour));
  });

  it.each([
    ['login', `login(email: "ada@example.com", password: "${password}")`],
    ['startSession', 'startSession'],
  ])('is that of the cookie, from the start on: %s', async (_name, field) => {
    const api = await startApi({ sessions });
    await api.signUp('ada@example.com');
    const { headers } = await api.client().send(`mutation { ${field} { __typename } }`);
    expect(headers.getSetCookie()[0]).toMatch(/^session=[\w.-]+; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/);
  });
});

describe('renewal', () => {
  it('never moves the expiry nearer, so that a stricter policy ends no session early', async () => {
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const far = new Date('2099-06-15T13:37:42.123Z');
    await api.database.session.updateMany({ data: { expiresAt: far } });
    later(api, 2 * hour);
    expect((await ada.ask(current)).currentSession).toMatchObject({
      lastSeenAt: at(api, 0),
      expiresAt: far.toISOString(),
    });
  });

  it('works for sessions without a recorded use', async () => {
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.database.session.updateMany({ data: { lastSeenAt: null } });
    const { currentSession } = await ada.ask(current);
    expect(currentSession.lastSeenAt).toBe(currentSession.createdAt);
    later(api, 2 * hour);
    expect((await ada.ask(current)).currentSession.lastSeenAt).toBe(at(api, 0));
  });
});
