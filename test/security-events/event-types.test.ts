import { describe, expect, it } from 'vitest';
import { removePassword } from '../../src/accounts/administration.ts';
import { auditEventTypes, recordEvent } from '../../src/events/record.ts';
import { commandScope } from '../../src/scope.ts';
import { changePassword, undo } from '../support/account-changes.ts';
import { type Client, password, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { caep, eventOf, risc, startReceiver, startSigningApi } from '../support/security-events.ts';

const email = 'ada@example.com';

type All = { api: TestApi; laptop: Client; phone: Client; admin: Client; ada: string };

const revoked = (by: string, reason: string) => ({
  [`${caep}/session-revoked`]: {
    initiating_entity: by,
    reason_admin: { en: expect.stringMatching(new RegExp(`^${reason}: [A-Z].*\\.$`)) },
    reason_user: { en: expect.stringMatching(/^[A-Z].*\.$/) },
    event_timestamp: expect.any(Number),
  },
});
const passwordChange = (change: string, by: string) => ({
  [`${caep}/credential-change`]: {
    credential_type: 'password',
    change_type: change,
    initiating_entity: by,
    event_timestamp: expect.any(Number),
  },
});
const claimsChange = (claims: object, by: string) => ({
  [`${caep}/token-claims-change`]: { claims, initiating_entity: by, event_timestamp: expect.any(Number) },
});
const account = (name: string) => ({ [`${risc}/${name}`]: {} });

const idOf = async (client: Client) => (await client.ask('{ currentSession { id } }')).currentSession.id as string;
const linkOf = async ({ api }: All, name: string) =>
  tokenIn(
    (await deliverMail(api)).filter(({ to }) => to !== 'root@example.com'),
    name,
  );

/** The acts on Ada's account, and the events that receivers get, in their order. The phone is her older session. */
const acts: [name: string, act: (all: All) => Promise<unknown>, events: object[]][] = [
  ['a logout', ({ phone }) => phone.ask('mutation { logout { revokedSessionId } }'), [revoked('user', 'LOGOUT')]],
  ['a new login', ({ phone }) => phone.login(email, 'BEARER'), [revoked('user', 'REPLACED')]],
  [
    'a revocation from another device',
    async ({ laptop, phone }) => laptop.act('revoke', { id: await idOf(phone) }),
    [revoked('user', 'REVOKED')],
  ],
  [
    'a revocation by an administrator',
    async ({ admin, phone }) => admin.act('revoke', { id: await idOf(phone) }),
    [revoked('admin', 'REVOKED_BY_ADMIN')],
  ],
  ['one session too many', ({ api }) => api.client().login(email), [revoked('policy', 'SESSION_LIMIT')]],
  [
    'a new password',
    ({ laptop }) => laptop.act('changePassword', { currentPassword: password, newPassword: `${password}!` }),
    [passwordChange('update', 'user'), revoked('user', 'PASSWORD_CHANGED')],
  ],
  [
    'a new password by a link',
    async (all) => {
      const { api } = all;
      await api.client().act('requestPasswordReset', { email });
      const input = { token: await linkOf(all, 'reset-password'), newPassword: `${password}!`, transport: 'BEARER' };
      await api.client().act('resetPassword', input);
    },
    [
      account('recovery-activated'),
      claimsChange({ email_verified: true }, 'user'),
      revoked('user', 'PASSWORD_CHANGED'),
      revoked('user', 'PASSWORD_CHANGED'),
      passwordChange('update', 'user'),
    ],
  ],
  [
    'the undo of a change',
    async ({ api, laptop }) => undo(api, await changePassword(api, laptop, [password, `${password}!`])),
    [
      passwordChange('update', 'user'),
      revoked('user', 'PASSWORD_CHANGED'),
      account('account-credential-change-required'),
      revoked('user', 'CHANGE_UNDONE'),
    ],
  ],
  [
    'a password that an operator removes',
    async ({ api }) => {
      const { id } = await api.database.user.findUniqueOrThrow({ where: { email } });
      await removePassword(api.database, commandScope(api.clock.now), id);
    },
    [passwordChange('revoke', 'admin'), revoked('admin', 'REVOKED_BY_ADMIN'), revoked('admin', 'REVOKED_BY_ADMIN')],
  ],
  [
    'a proof of the address',
    async (all) => all.laptop.act('verifyEmail', { token: await linkOf(all, 'verify-email') }),
    [claimsChange({ email_verified: true }, 'user')],
  ],
  [
    'a new address',
    async (all) => {
      await deliverMail(all.api);
      await all.laptop.act('requestEmailChange', { newEmail: 'new@example.com', password });
      await all.laptop.act('confirmEmailChange', { token: await linkOf(all, 'confirm-email-change') });
    },
    [account('recovery-information-changed')],
  ],
  [
    'a role',
    ({ admin, ada }) => admin.act('setUserRole', { id: ada, role: 'editor' }),
    [claimsChange({ role: 'editor' }, 'admin')],
  ],
  [
    'a suspension and its end',
    async ({ admin, ada }) => {
      await admin.act('suspendUser', { id: ada });
      await admin.act('reinstateUser', { id: ada });
    },
    [
      account('account-disabled'),
      revoked('admin', 'SUSPENDED'),
      revoked('admin', 'SUSPENDED'),
      account('account-enabled'),
    ],
  ],
  [
    'a deletion',
    ({ laptop }) => laptop.act('deleteAccount', { password }),
    [revoked('user', 'ACCOUNT_DELETED'), revoked('user', 'ACCOUNT_DELETED'), account('account-purged')],
  ],
];

/** Ada with two sessions, an administrator, and a receiver whose stream begins then. */
async function setUp() {
  const api = await startSigningApi({ sessions: { maxPerUser: 2 } });
  const phone = await api.signUp(email, 'BEARER');
  api.clock.now = new Date(api.clock.now.getTime() + 1_000);
  const laptop = api.client();
  await laptop.login(email, 'BEARER');
  const admin = await api.signUpAdmin('root@example.com');
  const ada = (await phone.ask('{ viewer { id } }')).viewer.id as string;
  const handles = (await api.database.session.findMany({ select: { handle: true } })).map(({ handle }) => handle);
  return { all: { api, laptop, phone, admin, ada }, handles, receiver: await startReceiver(api) };
}

describe('security events', () => {
  it.each(acts)('tell of %s', async (_name, act, events) => {
    const { all, handles, receiver } = await setUp();
    await act(all);
    const received = await receiver.drain();
    expect(received.map((payload) => payload.events)).toEqual(events);
    const { api, ada } = all;
    const iss = api.config.publicUrl.origin;
    const now = Math.floor(api.clock.now.getTime() / 1_000);
    const user = { format: 'iss_sub', iss, sub: ada };
    for (const payload of received) {
      const { jti, txn, sub_id, ...others } = payload;
      const { type } = eventOf(payload);
      const session = { format: 'opaque', id: expect.toSatisfy((id: string) => handles.includes(id)) };
      expect(sub_id).toEqual(type.endsWith('/session-revoked') ? { format: 'complex', user, session } : user);
      expect(jti).toBe(`${txn}.${receiver.clientId}`);
      // Neither `sub` nor `exp` (SSF 1.0 sections 4.1.2 and 4.1.7), and nothing else.
      expect(others).toEqual({ iss, aud: receiver.clientId, iat: now, toe: now, events: payload.events });
    }
    expect(new Set(received.map(({ jti }) => jti)).size).toBe(received.length);
    // Receivers get ids, and no addresses.
    expect(JSON.stringify(received)).not.toMatch(/example\.com|127\.0\.0\.1/);
  });

  it('are no other events of the log, and none without an account', async () => {
    const api = await startSigningApi();
    const receiver = await startReceiver(api);
    const scope = commandScope(api.clock.now);
    const types = Object.keys(auditEventTypes) as (keyof typeof auditEventTypes)[];
    for (const type of types) await recordEvent(api.database, scope, { type, userId: null });
    expect(await receiver.drain()).toEqual([]);
    for (const type of types) await recordEvent(api.database, scope, { type, userId: 7n, detail: null });
    expect((await receiver.drain()).map((payload) => eventOf(payload).type.split('/').at(-1))).toEqual([
      'session-revoked',
      'session-revoked',
      'session-revoked',
      'credential-change',
      'recovery-activated',
      'credential-change',
      'credential-change',
      'token-claims-change',
      'recovery-information-changed',
      'account-credential-change-required',
      'token-claims-change',
      'account-disabled',
      'account-enabled',
      'account-purged',
    ]);
  });

  it('pass on the reason of an end that a newer server recorded', async () => {
    const api = await startSigningApi();
    const receiver = await startReceiver(api);
    const event = { type: 'SESSION_REVOKED', userId: 7n, actorId: 8n, detail: 'ALIENS', sessionHandle: 'a' } as const;
    await recordEvent(api.database, commandScope(api.clock.now), event);
    const [payload = {}] = await receiver.drain();
    expect(eventOf(payload).claims).toMatchObject({
      initiating_entity: 'admin',
      reason_admin: { en: 'ALIENS: The session was ended.' },
      reason_user: { en: 'You were signed out.' },
    });
  });
});
