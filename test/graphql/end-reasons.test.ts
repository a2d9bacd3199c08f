import { expect, it } from 'vitest';
import { changePassword, undo } from '../support/account-changes.ts';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';

const email = 'ada@example.com';
const sessionId = '{ currentSession { id } }';
const idOf = async (client: Client) => (await client.ask(sessionId)).currentSession.id as string;

/** The ways to end one of Ada's sessions: by herself, from another session, or by an administrator. */
const ways: [reason: string, type: string | null, act: (all: All) => Promise<unknown>][] = [
  ['LOGOUT', 'LOGGED_OUT', ({ phone }) => phone.ask('mutation { logout { revokedSessionId } }')],
  ['REPLACED', 'LOGGED_OUT', ({ phone }) => phone.login(email, 'BEARER')],
  ['REVOKED', 'SESSION_REVOKED', async ({ laptop, phone }) => laptop.act('revoke', { id: await idOf(phone) })],
  ['REVOKED', 'SESSION_REVOKED', ({ laptop }) => laptop.act('revokeOthers')],
  ['REVOKED', 'SESSION_REVOKED', ({ laptop }) => laptop.act('revokeAll')],
  ['REVOKED_BY_ADMIN', 'SESSION_REVOKED', async ({ admin, phone }) => admin.act('revoke', { id: await idOf(phone) })],
  ['REVOKED_BY_ADMIN', 'SESSION_REVOKED', ({ admin, ada }) => admin.act('revokeUserSessions', { id: ada })],
  [
    'PASSWORD_CHANGED',
    'SESSION_REVOKED',
    ({ laptop }) => laptop.act('changePassword', { currentPassword: password, newPassword: `${password}!` }),
  ],
  [
    'CHANGE_UNDONE',
    'SESSION_REVOKED',
    async ({ api, phone }) => undo(api, await changePassword(api, phone, [password, `${password}!`])),
  ],
  ['SESSION_LIMIT', 'SESSION_REVOKED', ({ api }) => api.client().login(email)],
  ['SUSPENDED', 'SESSION_REVOKED', ({ admin, ada }) => admin.act('suspendUser', { id: ada })],
];

type All = { api: TestApi; laptop: Client; phone: Client; admin: Client; ada: string };

it.each(ways)('a session stores that it ended by %s, and %s says so', async (reason, type, act) => {
  const api = await startApi({ sessions: { maxPerUser: 2 } });
  const phone = await api.signUp(email, 'BEARER');
  api.clock.now = new Date(api.clock.now.getTime() + 1_000);
  const laptop = api.client();
  await laptop.login(email, 'BEARER');
  const admin = await api.signUpAdmin('root@example.com');
  const { handle } = (await phone.ask('{ currentSession { handle } }')).currentSession;
  const ada = (await phone.ask('{ viewer { id } }')).viewer.id;
  await act({ api, laptop, phone, admin, ada });
  const row = await api.database.session.findUniqueOrThrow({ where: { handle } });
  expect(row).toMatchObject({ endReason: reason, hashedSessionToken: null, expiresAt: api.clock.now });
  const events = await api.database.auditEvent.findMany({
    where: { sessionHandle: handle, type: { in: ['LOGGED_OUT', 'SESSION_REVOKED', 'SESSION_EXPIRED'] } },
  });
  const detail = reason === 'LOGOUT' || reason === 'REVOKED' ? null : reason;
  expect(events).toMatchObject([{ type, detail, userId: row.userId, at: api.clock.now }]);
});

it('a session of a deleted account leaves an event, which names no place', async () => {
  const api = await startApi();
  const ada = await api.signUp(email, 'BEARER');
  const { handle } = (await ada.ask('{ currentSession { handle } }')).currentSession;
  await ada.act('deleteAccount', { password });
  expect(await api.database.session.count({ where: { userId: { not: null } } })).toBe(0);
  const where = { sessionHandle: handle, type: 'SESSION_REVOKED' };
  expect(await api.database.auditEvent.findFirst({ where })).toMatchObject({
    detail: 'ACCOUNT_DELETED',
    ipAddress: null,
    userAgent: null,
  });
});
