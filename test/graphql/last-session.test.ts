import { describe, expect, it } from 'vitest';
import { endExpired, pruneSessions } from '../../src/maintenance/prune.ts';
import { commandScope } from '../../src/scope.ts';
import { endAllSessions } from '../../src/sessions/revoke.ts';
import { changeEmail } from '../support/account-changes.ts';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const email = 'ada@example.com';
const query = '{ lastSession { endedAt endReason endedBy device } }';
const day = 86_400_000;

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0';
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

/** Makes a client send a user agent with all requests. */
function withAgent(client: Client, userAgent: string): Client {
  const headers = client.headers.bind(client);
  return Object.assign(client, { headers: () => ({ ...headers(), 'user-agent': userAgent }) });
}

/** Returns a client that has the present tokens of another one, and keeps them when the other gets new ones. */
function copyOf(api: TestApi, { token, cookie }: Client): Client {
  return Object.assign(api.client(), { token, cookie });
}

function later(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

/** Ada with a laptop, a phone on which she signed in later, and an administrator. */
async function devices(settings: Parameters<typeof startApi>[0] = {}) {
  const api = await startApi(settings);
  const laptop = withAgent(api.client(), firefox);
  await laptop.signUp(email, 'BEARER');
  later(api, 1_000);
  const phone = withAgent(api.client(), safari);
  await phone.login(email, 'BEARER');
  later(api, 1_000);
  const admin = withAgent(await api.signUpAdmin('root@example.com'), 'curl/8.5.0');
  const ada = (await phone.ask('{ viewer { id } }')).viewer.id as string;
  const session = (await laptop.ask('{ currentSession { id } }')).currentSession.id as string;
  return { api, laptop, phone, admin, ada, session, held: copyOf(api, laptop) };
}

type All = Awaited<ReturnType<typeof devices>>;

const iphone = 'Safari on iOS';
const windows = 'Firefox on Windows';

async function resetPassword({ api, phone }: All) {
  await phone.act('requestPasswordReset', { email });
  const token = tokenIn(await deliverMail(api), 'reset-password');
  await phone.act('resetPassword', { token, newPassword: `${password}!` });
}

async function undoChange({ api, phone, laptop }: All) {
  await laptop.act('verifyEmail', { token: tokenIn(await mailsTo(api, email), 'verify-email') });
  const { token } = await changeEmail(api, laptop, 'ada@new.example.com');
  await phone.act('undoChange', { token });
}

async function mailsTo(api: All['api'], address: string) {
  return (await deliverMail(api)).filter(({ to }) => to === address);
}

/** The ways to end the session of the laptop. */
const ways: [reason: string, by: string | null, device: string | null, act: (all: All) => Promise<unknown>][] = [
  ['LOGOUT', 'THIS_DEVICE', windows, ({ laptop }) => laptop.ask('mutation { logout { revokedSessionId } }')],
  ['LOGOUT', 'THIS_DEVICE', windows, ({ laptop, session }) => laptop.act('revoke', { id: session })],
  ['LOGOUT', 'THIS_DEVICE', windows, ({ laptop }) => laptop.act('revokeAll')],
  ['REPLACED', 'THIS_DEVICE', windows, ({ laptop }) => laptop.login(email, 'BEARER')],
  ['REVOKED', 'OTHER_DEVICE', iphone, ({ phone, session }) => phone.act('revoke', { id: session })],
  ['REVOKED', 'OTHER_DEVICE', iphone, ({ phone }) => phone.act('revokeOthers')],
  ['REVOKED', 'OTHER_DEVICE', iphone, ({ phone }) => phone.act('revokeAll')],
  [
    'PASSWORD_CHANGED',
    'OTHER_DEVICE',
    iphone,
    ({ phone }) => phone.act('changePassword', { currentPassword: password, newPassword: `${password}!` }),
  ],
  ['PASSWORD_CHANGED', 'OTHER_DEVICE', iphone, resetPassword],
  ['CHANGE_UNDONE', 'OTHER_DEVICE', iphone, undoChange],
  ['SESSION_LIMIT', 'OTHER_DEVICE', iphone, ({ api }) => withAgent(api.client(), safari).login(email)],
  ['REVOKED_BY_ADMIN', 'ADMINISTRATOR', null, ({ admin, session }) => admin.act('revoke', { id: session })],
  ['REVOKED_BY_ADMIN', 'ADMINISTRATOR', null, ({ admin, ada }) => admin.act('revokeUserSessions', { id: ada })],
  ['SUSPENDED', 'ADMINISTRATOR', null, ({ admin, ada }) => admin.act('suspendUser', { id: ada })],
  ['RESTORED', 'SERVER', null, ({ api }) => endAllSessions(api.database, commandScope(api.clock.now), 'RESTORED')],
  ['ACCOUNT_DELETED', null, null, ({ phone }) => phone.act('deleteAccount', { password })],
  ['ACCOUNT_DELETED', null, null, ({ admin, ada }) => admin.act('deleteUser', { id: ada })],
];

describe('lastSession', () => {
  it.each(ways)('tells the client of a session that it ended by %s (%s, %s)', async (reason, by, device, act) => {
    const all = await devices({ sessions: { maxPerUser: 2 } });
    await act(all);
    const { api, held } = all;
    expect(await held.ask(query)).toEqual({
      lastSession: { endedAt: api.clock.now.toISOString(), endReason: reason, endedBy: by, device },
    });
    expect(api.reported).toEqual([]);
  });

  it('tells of an expiry before and after it is recorded', async () => {
    const { api, held } = await devices({ sessions: { idleTimeoutMs: day, lifetimeMs: 3 * day } });
    const shared = api.client();
    const login = `mutation { login(email: "${email}", password: "${password}", transport: BEARER, remember: false) {
      ... on SignInPayload { token session { expiresAt } } } }`;
    const { token, session } = (await shared.ask(login)).login;
    shared.token = token;
    const { expiresAt } = await api.database.session.findFirstOrThrow();
    later(api, day);
    for (const act of [async () => 0, () => endExpired(api.database, api.clock.now, api.config.sessions)]) {
      await act();
      const expired = { endedBy: 'SERVER', device: null };
      expect(await held.ask(query)).toEqual({
        lastSession: { endedAt: expiresAt.toISOString(), endReason: 'IDLE_TIMEOUT', ...expired },
      });
      expect(await shared.ask(query)).toEqual({
        lastSession: { endedAt: session.expiresAt, endReason: 'LIFETIME', ...expired },
      });
    }
    expect(await api.database.session.count({ where: { endReason: { not: null } } })).toBe(4);
  });

  it('tells a visitor, whose session has no history', async () => {
    const { api } = await devices();
    const visitor = withAgent(api.client(), safari);
    visitor.token = (await visitor.ask('mutation { startSession(transport: BEARER) { token } }')).startSession.token;
    const held = copyOf(api, visitor);
    await visitor.ask('mutation { logout { revokedSessionId } }');
    expect((await held.ask(query)).lastSession).toMatchObject({ endReason: 'LOGOUT', device: iphone });
  });

  it('tells a browser by its cookie, which stays', async () => {
    const { api, phone } = await devices();
    const browser = api.client();
    await browser.login(email);
    await phone.act('revokeOthers');
    for (let time = 0; time < 2; time += 1) {
      const { data, headers } = await browser.send(query);
      expect(data.lastSession).toMatchObject({ endReason: 'REVOKED', device: iphone });
      expect(headers.getSetCookie()).toEqual([]);
    }
    // A live session is the answer to the question that the client had.
    await browser.login(email);
    expect((await browser.ask(query)).lastSession).toBeNull();
  });

  it('tells nobody else', async () => {
    const { api, phone, laptop, held } = await devices();
    const withoutSecret = `${held.token?.split('.')[0]}.${'A'.repeat(43)}`;
    await laptop.act('reauthenticate', { password });
    const rotated = copyOf(api, laptop);
    later(api, 60_000);
    await phone.act('revokeOthers');
    const ask = (token: string | null) => Object.assign(api.client(), { token }).ask(query);
    expect((await rotated.ask(query)).lastSession).toMatchObject({ endReason: 'REVOKED' });
    // The token before the rotation, the handle alone, no token, and other sessions of the user.
    for (const token of [held.token, withoutSecret, null, phone.token]) {
      expect(await ask(token)).toEqual({ lastSession: null });
    }
    // A session that an earlier version ended has no hash.
    await api.database.session.updateMany({ data: { endedHashedToken: null } });
    expect(await rotated.ask(query)).toEqual({ lastSession: null });
  });

  it('opens nothing', async () => {
    const { laptop, held, phone } = await devices();
    await phone.act('revokeOthers');
    const { data } = await held.send('{ viewer { id } currentSession { id } lastSession { endReason } }');
    expect(data).toEqual({ viewer: null, currentSession: null, lastSession: { endReason: 'REVOKED' } });
    expect((await laptop.send('mutation { revokeOthers { viewer { id } } }')).code).toBe('UNAUTHENTICATED');
    expect((await held.send('mutation { revokeAll { viewer { id } } }')).code).toBe('UNAUTHENTICATED');
  });

  it('forgets the device after its retention, and all when the session is deleted', async () => {
    const { api, phone, held } = await devices();
    await phone.act('revokeOthers');
    later(api, api.config.deviceRetentionMs);
    expect((await held.ask(query)).lastSession).toMatchObject({ endReason: 'REVOKED', device: null });
    later(api, api.config.sessionRetentionMs);
    await pruneSessions(api.database, new Date(api.clock.now.getTime() - api.config.sessionRetentionMs));
    expect(await held.ask(query)).toEqual({ lastSession: null });
  });

  it('guards a suspension that another program wrote', async () => {
    const { api, held } = await devices();
    const suspendedAt = new Date(api.clock.now.getTime() - 1_000);
    await api.database.user.updateMany({ where: { email }, data: { suspendedAt } });
    expect((await held.ask(query)).lastSession).toMatchObject({
      endedAt: suspendedAt.toISOString(),
      endReason: 'SUSPENDED',
    });
  });

  it('costs a live session no statement, and an ended one a single statement more', async () => {
    const { api, phone, held } = await devices();
    api.statements.length = 0;
    await phone.ask(query);
    expect(api.statements).toHaveLength(1);
    await phone.act('revokeOthers');
    api.statements.length = 0;
    await held.ask('{ a: lastSession { device } b: lastSession { device } c: lastSession { endReason } }');
    expect(api.statements).toHaveLength(2);
  });
});
