import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { changePassword } from '../../src/accounts/change-password.ts';
import { commandScope } from '../../src/scope.ts';
import { endSession } from '../../src/sessions/revoke.ts';
import { password, rotating, startApi } from '../support/api.ts';
import { refuseRows } from '../support/database.ts';
import { pausingBeforeRenewal, pausingOnceLocked, pausingOnceRead } from '../support/pausing.ts';
import { userScope } from '../support/scope.ts';

const me = '{ currentSession { id expiresAt } }';
const revoke = 'mutation ($id: ID!) { revoke(id: $id) { ... on RevokePayload { revokedSessionId } } }';
const hour = 3_600_000;

async function adaOnTwoDevices() {
  const sessions = { idleTimeoutMs: hour, lifetimeMs: 24 * hour, maxPerUser: 20 };
  const api = await startApi({ sessions });
  const laptop = await api.signUp('ada@example.com', 'BEARER');
  const phone = api.client();
  const { session } = await phone.login('ada@example.com', 'BEARER');
  const row = () => api.database.session.findFirstOrThrow({ where: { handle: session.handle } });
  const end = async () =>
    expect((await laptop.ask(revoke, { id: session.id })).revoke.revokedSessionId).toBe(session.id);
  return { api, laptop, phone, row, end };
}

describe('session with an acknowledged end', () => {
  it('stays ended for a request that had read it and was about to renew it, and gives that request no session', async () => {
    const { api, phone, row, end } = await adaOnTwoDevices();
    api.clock.now = new Date(api.clock.now.getTime() + hour / 2);
    const pausing = pausingBeforeRenewal(api);
    pausing.client.token = phone.token;
    const answer = pausing.client.ask(me);
    await pausing.reached;
    await end();
    const ended = await row();
    pausing.resume();
    expect((await answer).currentSession).toBeNull();
    expect(await row()).toEqual(ended);
    expect(ended.hashedSessionToken).toBeNull();
    expect((await phone.ask(me)).currentSession).toBeNull();
  });

  it('takes no data from a request that had read it', async () => {
    const { api, phone, row, end } = await adaOnTwoDevices();
    const pausing = pausingOnceRead(api);
    pausing.client.token = phone.token;
    const answer = pausing.client.ask('mutation { setPublicData(data: { a: 1 }) { __typename } }');
    await pausing.reached;
    await end();
    const ended = await row();
    pausing.resume();
    expect((await answer).setPublicData.__typename).toBe('SessionNotFoundError');
    expect(await row()).toEqual(ended);
  });

  it('proves no password for a request that had read it', async () => {
    const { api, phone, row, end } = await adaOnTwoDevices();
    const pausing = pausingOnceRead(api);
    pausing.client.token = phone.token;
    const answer = pausing.client.ask(`mutation { reauthenticate(password: "${password}") { __typename } }`);
    await pausing.reached;
    await end();
    const ended = await row();
    pausing.resume();
    expect((await answer).reauthenticate.__typename).toBe('InvalidCredentialsError');
    expect(await row()).toEqual(ended);
  });

  it('changes no password and ends no other session for a request that had read it', async () => {
    const { api, laptop, phone, end } = await adaOnTwoDevices();
    const pausing = pausingOnceRead(api);
    pausing.client.token = phone.token;
    const change = `mutation { changePassword(currentPassword: "${password}", newPassword: "the password of a thief") { __typename } }`;
    const answer = pausing.client.send(change);
    await pausing.reached;
    await end();
    pausing.resume();
    expect((await answer).code).toBe('UNAUTHENTICATED');
    expect((await laptop.ask(me)).currentSession).not.toBeNull();
    expect(await api.client().login('ada@example.com')).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('gives its data to no login that had read it as a visitor’s', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const visitor = api.client();
    const started = await visitor.ask(
      'mutation { setPublicData(data: { cart: 1 }, transport: BEARER) { ... on SessionDataPayload { token session { id } } } }',
    );
    const { token, session } = started.setPublicData;
    const pausing = pausingOnceRead(api, '$findUsersByAddress');
    pausing.client.token = token;
    const login = pausing.client.login('ada@example.com', 'BEARER');
    await pausing.reached;
    Object.assign(visitor, { token });
    expect((await visitor.ask(revoke, { id: session.id })).revoke.revokedSessionId).toBe(session.id);
    pausing.resume();
    expect(await login).toMatchObject({ __typename: 'SignInPayload' });
    expect((await pausing.client.ask('{ currentSession { publicData } }')).currentSession.publicData).toBeNull();
  });

  it('takes no data that a concurrent login, which takes over the data of the visitor, would not see', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const visitor = api.client();
    const set =
      'mutation ($data: JSON!) { setPublicData(data: $data, transport: BEARER) { __typename ... on SessionDataPayload { token } } }';
    visitor.token = (await visitor.ask(set, { data: { cart: 1 } })).setPublicData.token;
    const pausing = pausingOnceLocked(api);
    pausing.client.token = visitor.token;
    const login = pausing.client.login('ada@example.com', 'BEARER');
    await pausing.reached;
    const late = visitor.ask(set, { data: { late: 1 } });
    // Long enough for it to wait for the row, or to be done with it.
    await sleep(300);
    pausing.resume();
    expect((await late).setPublicData.__typename).toBe('SessionNotFoundError');
    expect(await login).toMatchObject({ __typename: 'SignInPayload' });
    const { currentSession } = await pausing.client.ask('{ currentSession { publicData } }');
    expect(currentSession.publicData).toEqual({ cart: 1 });
  });

  it('is ended once by many concurrent requests', async () => {
    const { laptop, phone } = await adaOnTwoDevices();
    const { id } = (await phone.ask(me)).currentSession;
    const endings = [
      ...Array.from({ length: 10 }, () => laptop.ask(revoke, { id })),
      ...Array.from({ length: 10 }, () => phone.ask('mutation { revoke: logout { revokedSessionId } }')),
    ];
    const told = (await Promise.all(endings)).filter((answer) => answer.revoke.revokedSessionId === id);
    expect(told).toHaveLength(1);
    expect((await phone.ask(me)).currentSession).toBeNull();
  });
});

describe('changed password', () => {
  it('opens no session to a login that had checked the old one before', async () => {
    const { api, laptop } = await adaOnTwoDevices();
    const pausing = pausingOnceRead(api, '$findUsersByAddress');
    const login = pausing.client.login('ada@example.com', 'BEARER');
    await pausing.reached;
    const change = `mutation { changePassword(currentPassword: "${password}", newPassword: "another battery staple") { __typename ${rotating.changePassword} } }`;
    expect((await laptop.ask(change)).changePassword.__typename).toBe('ChangePasswordPayload');
    pausing.resume();
    expect(await login).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect((await laptop.ask('{ viewer { sessions { isCurrent } } }')).viewer.sessions).toEqual([{ isCurrent: true }]);
  });

  it('is not proved by the old one, by a request that had read the user before', async () => {
    const { api, laptop, phone, row } = await adaOnTwoDevices();
    const before = await row();
    const pausing = pausingOnceRead(api);
    pausing.client.token = phone.token;
    const proof = pausing.client.ask(`mutation { reauthenticate(password: "${password}") { __typename } }`);
    await pausing.reached;
    await api.database.user.updateMany({ data: { hashedPassword: 'another' } });
    api.clock.now = new Date(api.clock.now.getTime() + 1_000);
    pausing.resume();
    expect((await proof).reauthenticate.__typename).toBe('InvalidCredentialsError');
    expect((await row()).authenticatedAt).toEqual(before.authenticatedAt);
    expect((await laptop.ask(me)).currentSession).not.toBeNull();
  });

  it('is not changed by an ended session, nor again by a request that knew the old one', async () => {
    const { api, phone } = await adaOnTwoDevices();
    const [user, session] = [
      await api.database.user.findFirstOrThrow(),
      await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } }),
    ];
    const passwords = { current: password, new: 'another battery staple' };
    const scope = userScope({ ...session, user }, api.clock.now);
    const change = () => changePassword(api.database, scope, passwords, api.config);
    await endSession(api.database, commandScope(api.clock.now), session.id, 'REVOKED_BY_ADMIN');
    await expect(change()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await api.database.user.findFirstOrThrow()).toEqual(user);
    expect((await phone.ask(me)).currentSession).toBeNull();
  });
});

describe('failure inside a transaction', () => {
  const tables = ['Session', 'AuditEvent', 'UserToken'];

  it.each(['signUp', 'login'].flatMap((field) => tables.map((table) => [field, table])))(
    'leaves everything unchanged: %s, when no row can be added to %s',
    async (field, table) => {
      const api = await startApi();
      if (field === 'login') await api.signUp('ada@example.com');
      const visitor = api.client();
      const started = await visitor.ask(
        'mutation { setPublicData(data: { cart: 1 }, transport: BEARER) { ... on SessionDataPayload { token session { id } } } }',
      );
      visitor.token = started.setPublicData.token;
      const everything = async () => {
        const { user, session, auditEvent, userToken, mail, rateLimit } = api.database;
        const counts = await rateLimit.findMany({
          where: { points: { gt: 0 }, key: { not: { startsWith: 'sign-ups' } } },
        });
        const accounts = [await user.findMany(), await session.findMany(), await userToken.findMany()];
        return [...accounts, await auditEvent.findMany(), await mail.findMany(), counts];
      };
      const before = await everything();
      await refuseRows(api, table ?? '');
      const mutation = `mutation { ${field}(email: "ada@example.com", password: "${password}") { __typename } }`;
      expect((await visitor.send(mutation)).code).toBe('INTERNAL_SERVER_ERROR');
      expect(api.reported).toHaveLength(1);
      expect(inspect(api.reported[0])).toContain(`no rows for ${table}`);
      expect(await everything()).toEqual(before);
      expect((await visitor.ask(me)).currentSession.id).toBe(started.setPublicData.session.id);
    },
  );
});
