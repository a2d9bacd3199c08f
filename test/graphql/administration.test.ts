import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { password, startApi, type TestApi } from '../support/api.ts';

const changedUser = `... on UserPayload { user { id email role suspendedAt } revokedSessionIds } ... on UserError { code }`;
const deletedUser = `... on DeleteUserPayload { deletedUserId revokedSessionIds } ... on UserError { code }`;

async function idOf(api: TestApi, email: string): Promise<string> {
  return toNodeId('User', (await api.database.user.findUniqueOrThrow({ where: { email } })).id);
}

async function rootAndAda() {
  const api = await startApi();
  const root = await api.signUpAdmin('root@example.com');
  const ada = await api.signUp('ada@example.com', 'BEARER');
  return { api, root, ada, id: await idOf(api, 'ada@example.com') };
}

describe('setUserRole', () => {
  it('applies to the very next request of every session', async () => {
    const { root, ada, id } = await rootAndAda();
    expect((await ada.send('{ users { totalCount } }')).code).toBe('FORBIDDEN');
    const result = await root.act('setUserRole', { id, role: 'admin' }, changedUser);
    expect(result).toMatchObject({ user: { id, role: 'admin' }, revokedSessionIds: [] });
    expect((await ada.ask('{ users { totalCount } }')).users.totalCount).toBe(2);
    await root.act('setUserRole', { id, role: 'user' });
    expect((await ada.send('{ users { totalCount } }')).code).toBe('FORBIDDEN');
    expect(await root.act('setUserRole', { id, role: 'no role!' }, changedUser)).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    const { auditEvents } = await root.ask('{ auditEvents(type: ROLE_CHANGED) { nodes { detail actor { email } } } }');
    expect(auditEvents.nodes.map(({ detail }: { detail: string }) => detail)).toEqual(['admin → user', 'user → admin']);
    expect(auditEvents.nodes[0].actor.email).toBe('root@example.com');
  });
});

describe('suspendUser', () => {
  it('ends every session at once and refuses sign-ins, with the reason only for the right password', async () => {
    const { api, root, ada, id } = await rootAndAda();
    const result = await root.act('suspendUser', { id }, changedUser);
    expect(result).toMatchObject({ user: { id, suspendedAt: api.clock.now.toISOString() } });
    expect(result.revokedSessionIds).toHaveLength(1);
    expect((await ada.ask('{ viewer { id } }')).viewer).toBeNull();
    const another = api.client();
    expect(await another.login('ada@example.com', 'BEARER')).toMatchObject({ code: 'ACCOUNT_SUSPENDED' });
    expect(await another.login('ada@example.com', 'BEARER', 'wrong')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    const suspended = await root.ask('{ users(suspended: true) { nodes { email } } }');
    expect(suspended.users.nodes).toEqual([{ email: 'ada@example.com' }]);
    expect((await root.ask('{ users(suspended: false) { totalCount } }')).users.totalCount).toBe(1);
    // Again is no failure, and changes nothing.
    expect(await root.act('suspendUser', { id }, changedUser)).toMatchObject({ revokedSessionIds: [] });
    expect(await root.act('reinstateUser', { id }, changedUser)).toMatchObject({ user: { suspendedAt: null } });
    expect((await ada.ask('{ viewer { id } }')).viewer).toBeNull();
    expect(await another.login('ada@example.com', 'BEARER')).toMatchObject({ __typename: 'SignInPayload' });
    expect((await root.ask('{ auditEvents(type: USER_SUSPENDED) { totalCount } }')).auditEvents.totalCount).toBe(1);
  });

  it('applies to a session that another program wrote', async () => {
    const { api, ada } = await rootAndAda();
    await api.database.user.update({ where: { email: 'ada@example.com' }, data: { suspendedAt: api.clock.now } });
    expect((await ada.ask('{ currentSession { id } }')).currentSession).toBeNull();
  });

  it('wins over a login that checked the password just before', async () => {
    const { api, root, id } = await rootAndAda();
    const clients = Array.from({ length: 4 }, () => api.client());
    const logins = clients.map((client) => client.login('ada@example.com', 'BEARER'));
    await root.act('suspendUser', { id });
    await Promise.all(logins);
    for (const client of clients) expect((await client.ask('{ viewer { id } }')).viewer).toBeNull();
  });
});

describe('revokeUserSessions', () => {
  it('ends all sessions of a user, who may log in again', async () => {
    const { api, root, ada, id } = await rootAndAda();
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    expect((await root.act('revokeUserSessions', { id }, changedUser)).revokedSessionIds).toHaveLength(2);
    expect((await ada.ask('{ viewer { id } }')).viewer).toBeNull();
    expect(await phone.login('ada@example.com', 'BEARER')).toMatchObject({ __typename: 'SignInPayload' });
  });
});

describe('deleteUser', () => {
  it('leaves nothing of the user behind, and never reuses the id', async () => {
    const { api, root, ada, id } = await rootAndAda();
    expect(await root.act('deleteUser', { id }, deletedUser)).toMatchObject({ deletedUserId: id });
    expect((await ada.ask('{ viewer { id } }')).viewer).toBeNull();
    expect(await root.act('deleteUser', { id }, deletedUser)).toMatchObject({ code: 'USER_NOT_FOUND' });
    const again = await api.signUp('ada@example.com', 'BEARER');
    expect((await again.ask('{ viewer { id } }')).viewer.id).not.toBe(id);
    expect(
      (await root.ask(`{ auditEvents(userId: "${id}") { nodes { type user { id } } } }`)).auditEvents.nodes,
    ).toEqual([
      { type: 'USER_DELETED', user: null },
      { type: 'SESSION_REVOKED', user: null },
      { type: 'SIGNED_UP', user: null },
    ]);
  });
});

describe('last administrator', () => {
  it('is neither demoted, suspended nor deleted', async () => {
    const { api, root, id: adaId } = await rootAndAda();
    const id = await idOf(api, 'root@example.com');
    const refused = { code: 'LAST_ADMINISTRATOR' };
    // A user without a password cannot sign in.
    await root.ask('mutation { createUser(email: "invited@example.com", role: "admin") { __typename } }');
    expect(await root.act('setUserRole', { id, role: 'user' }, changedUser)).toMatchObject(refused);
    expect(await root.act('suspendUser', { id }, changedUser)).toMatchObject(refused);
    expect(await root.act('deleteUser', { id }, deletedUser)).toMatchObject(refused);
    expect(await root.act('deleteAccount', { password }, deletedUser)).toMatchObject(refused);
    // A suspended user administers nothing.
    await root.act('setUserRole', { id: adaId, role: 'admin' });
    await root.act('suspendUser', { id: adaId });
    expect(await root.act('suspendUser', { id }, changedUser)).toMatchObject(refused);
    await root.act('reinstateUser', { id: adaId });
    expect(await root.act('setUserRole', { id, role: 'user' }, changedUser)).toMatchObject({ user: { role: 'user' } });
    expect((await root.send('{ users { totalCount } }')).code).toBe('FORBIDDEN');
  });

  it('stays when two of them remove each other concurrently', async () => {
    for (let round = 0; round < 5; round += 1) {
      const api = await startApi();
      const one = await api.signUpAdmin('one@example.com');
      const two = await api.signUpAdmin('two@example.com');
      const [oneId, twoId] = [await idOf(api, 'one@example.com'), await idOf(api, 'two@example.com')];
      await Promise.all([
        one.send(`mutation { suspendUser(id: "${twoId}") { __typename } }`),
        two.send(`mutation { deleteUser(id: "${oneId}") { __typename } }`),
      ]);
      expect(await api.database.user.count({ where: { role: 'admin', suspendedAt: null } })).toBe(1);
      expect(api.reported).toEqual([]);
    }
  });
});

describe('operations of administrators', () => {
  it('require a recent proof of the password', async () => {
    const { api, root, id } = await rootAndAda();
    api.clock.now = new Date(api.clock.now.getTime() + api.config.reauthenticateAfterMs + 1);
    const code = { code: 'REAUTHENTICATION_REQUIRED' };
    for (const field of ['suspendUser', 'reinstateUser', 'revokeUserSessions']) {
      expect(await root.act(field, { id }, changedUser), field).toMatchObject(code);
    }
    expect(await root.act('setUserRole', { id, role: 'admin' }, changedUser)).toMatchObject(code);
    expect(await root.act('deleteUser', { id }, deletedUser)).toMatchObject(code);
    expect(await root.act('createUser', { email: 'new@example.com' }, changedUser)).toMatchObject(code);
    expect(await root.act('reauthenticate', { password })).toMatchObject({ __typename: 'ReauthenticatePayload' });
    expect(await root.act('suspendUser', { id }, changedUser)).toMatchObject({ user: { id } });
  });
});
