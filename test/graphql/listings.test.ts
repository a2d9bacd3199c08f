import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { Client, password, startApi, type TestApi } from '../support/api.ts';
import { openEmptyDatabase } from '../support/database.ts';

const page = `query ($first: Int, $after: String, $last: Int, $before: String) {
  users(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { email } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

async function admin(api: TestApi): Promise<Client> {
  const root = await api.signUp('root@example.com', 'BEARER');
  await api.database.user.update({ where: { email: 'root@example.com' }, data: { role: 'admin' } });
  return root;
}

async function addUsers(api: TestApi, count: number): Promise<void> {
  const data = Array.from({ length: count }, (_, n) => ({
    email: `user${n + 1}@example.com`,
    name: n % 2 ? 'Grace Hopper' : null,
    hashedPassword: 'x',
    role: 'user',
  }));
  await api.database.user.createMany({ data });
}

const emails = (connection: { nodes: { email: string }[] }) => connection.nodes.map(({ email }) => email);

describe('users', () => {
  it('is a list with pages in both directions, newest first', async () => {
    const api = await startApi();
    const root = await admin(api);
    await addUsers(api, 7);
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { users } = await root.ask(page, { first: 3, after });
      expect(users.totalCount).toBe(8);
      seen.push(...emails(users));
      after = users.pageInfo.hasNextPage ? users.pageInfo.endCursor : null;
      // A concurrent sign-up moves nothing.
      await api.database.user.create({
        data: { email: `${seen.length}@new.example`, hashedPassword: 'x', role: 'user' },
      });
      await api.database.user.delete({ where: { email: `${seen.length}@new.example` } });
    } while (after);
    expect(seen).toEqual([...[7, 6, 5, 4, 3, 2, 1].map((n) => `user${n}@example.com`), 'root@example.com']);
    const { users: last } = await root.ask(page, { last: 2 });
    expect(emails(last)).toEqual(['user1@example.com', 'root@example.com']);
    const { users: before } = await root.ask(page, { last: 2, before: last.pageInfo.startCursor });
    expect(emails(before)).toEqual(['user3@example.com', 'user2@example.com']);
  });

  it('loses none if the user of the cursor has left the list, or was deleted', async () => {
    const api = await startApi();
    const root = await admin(api);
    await addUsers(api, 4);
    const query = `query ($after: String) { users(first: 2, after: $after, suspended: false) {
      nodes { email } pageInfo { endCursor } } }`;
    const { users } = await root.ask(query);
    const where = { email: 'user3@example.com' };
    await api.database.user.update({ where, data: { suspendedAt: api.clock.now } });
    const next = async () => emails((await root.ask(query, { after: users.pageInfo.endCursor })).users);
    expect(await next()).toEqual(['user2@example.com', 'user1@example.com']);
    await api.database.user.delete({ where });
    expect(await next()).toEqual(['user2@example.com', 'user1@example.com']);
  });

  it('can be searched and filtered', async () => {
    const api = await startApi();
    const root = await admin(api);
    await addUsers(api, 6);
    const find = async (filter: string) => {
      const { users } = await root.ask(`{ users(${filter}) { totalCount nodes { email } } }`);
      expect(users.totalCount).toBe(users.nodes.length);
      return emails(users);
    };
    expect(await find('search: "USER3@"')).toEqual(['user3@example.com']);
    expect(await find('search: "Hopper"')).toHaveLength(3);
    expect(await find('search: "grace hOPPER"')).toHaveLength(3);
    expect(await find('search: "user%@example"')).toHaveLength(6);
    expect(await find('search: "nobody"')).toEqual([]);
    expect(await find('role: "admin"')).toEqual(['root@example.com']);
    expect(await find('role: "adm"')).toEqual([]);
  });

  it('takes filters of at most 254 characters', async () => {
    const api = await startApi();
    const root = await admin(api);
    for (const name of ['search', 'role']) {
      for (const field of ['nodes { email }', 'totalCount']) {
        const query = `query ($text: String) { users(${name}: $text) { ${field} } }`;
        expect((await root.ask(query, { text: 'x'.repeat(254) })).users).toBeTruthy();
        const { code, errors } = await root.send(query, { text: 'x'.repeat(255) });
        expect(code).toBe('BAD_USER_INPUT');
        expect(errors[0].message).toBe(`The filter ${name} may have at most 254 characters.`);
      }
    }
    expect(api.reported).toEqual([]);
  });

  it('has at most a hundred on a page, and refuses unknown cursors', async () => {
    const api = await startApi();
    const root = await admin(api);
    await addUsers(api, 150);
    expect((await root.ask(page, {})).users.nodes).toHaveLength(20);
    expect((await root.ask(page, { first: 1_000 })).users.nodes).toHaveLength(100);
    for (const filter of ['search: "a\\u0000"', 'role: "\\u0000"']) {
      expect((await root.send(`{ users(${filter}) { nodes { id } } }`)).code).toBe('BAD_USER_INPUT');
    }
    for (const after of ['nonsense', '', 'R1BDOk46eA==', 'R1BDOk46OTk5OTk5OTk5OQ==', '\u0000']) {
      const { data, code } = await root.send(page, { after });
      expect({ after, users: data.users, code }).toEqual({ after, users: null, code: 'BAD_USER_INPUT' });
    }
    expect(api.reported).toEqual([]);
  });
});

describe('page of users with their sessions and each session’s user', () => {
  it('takes three statements, including that of the credential', async () => {
    const api = await startApi();
    const root = await admin(api);
    await addUsers(api, 120);
    const users = await api.database.user.findMany();
    const expiresAt = new Date(api.clock.now.getTime() + 1_000_000);
    await api.database.session.createMany({
      data: users.flatMap(({ id }) =>
        [1, 2, 3].map((n) => ({ userId: id, handle: `${id}-${n}`, hashedSessionToken: 'x', expiresAt })),
      ),
    });
    api.statements.length = 0;
    const query = '{ users(first: 100) { nodes { id email sessions { id handle user { id email name } } } } }';
    const { nodes } = (await root.ask(query)).users;
    expect(api.statements.length).toBe(3);
    expect(nodes).toHaveLength(100);
    for (const { id, email, sessions } of nodes) {
      expect(sessions).toHaveLength(3);
      for (const { user } of sessions) expect(user).toMatchObject({ id, email });
    }
    api.statements.length = 0;
    const all = (await root.ask('{ sessions(first: 100) { nodes { id user { email } } } }')).sessions.nodes;
    expect(new Set(all.map(({ user }: { user: { email: string } }) => user.email)).size).toBe(34);
    expect(api.statements.length).toBe(3);
  });

  it('is too large for callers who are not administrators', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const query = '{ users(first: 100) { nodes { sessions { user { sessions { id } } } } } }';
    expect((await ada.send(query)).code).toBe('BAD_USER_INPUT');
  });
});

describe('sessions', () => {
  it('lists the sessions of all users, by state and by whether they have a user', async () => {
    const api = await startApi();
    const root = await admin(api);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await ada.login('ada@example.com', 'BEARER', password);
    await api.client().ask('mutation { startSession { token } }');
    const count = async (filter: string) =>
      (await root.ask(`{ sessions${filter} { totalCount nodes { user { email } } } }`)).sessions.totalCount;
    expect(await count('')).toBe(4);
    expect(await count('(state: LIVE)')).toBe(3);
    expect(await count('(state: ENDED)')).toBe(1);
    expect(await count('(anonymous: true)')).toBe(1);
    expect(await count('(anonymous: false, state: LIVE)')).toBe(2);
  });
});

describe('listings', () => {
  it('are for administrators only', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const visitor = api.client();
    visitor.token = (await visitor.ask('mutation { startSession(transport: BEARER) { token } }')).startSession.token;
    for (const field of ['users', 'sessions']) {
      for (const client of [ada, visitor]) {
        const { data, code } = await client.send(`{ ${field} { totalCount nodes { id } } }`);
        expect({ data, code }).toEqual({ data: { [field]: null }, code: 'FORBIDDEN' });
      }
      for (const part of ['totalCount', 'pageInfo { hasNextPage }', 'edges { cursor }']) {
        const { data, code } = await api.client().send(`{ ${field} { ${part} } }`);
        expect({ data, code }).toEqual({ data: { [field]: null }, code: 'UNAUTHENTICATED' });
        expect((await ada.send(`{ ${field} { ${part} } }`)).code).toBe('FORBIDDEN');
      }
    }
  });

  it('are read from the replica if there is one, and nothing else is', async () => {
    const api = await startApi();
    const root = await admin(api);
    const { database: replica } = await openEmptyDatabase();
    await replica.user.create({ data: { email: 'copy@example.com', hashedPassword: 'x', role: 'user' } });
    const { database, config } = api;
    const app = createApp({ database, replica, config, report: (error) => api.reported.push(error) });
    const client = Object.assign(new Client(app, config.publicUrl), { token: root.token });
    const data = await client.ask('{ viewer { email } users { totalCount nodes { email } } sessions { totalCount } }');
    expect(data).toEqual({
      viewer: { email: 'root@example.com' },
      users: { totalCount: 1, nodes: [{ email: 'copy@example.com' }] },
      sessions: { totalCount: 0 },
    });
  });
});
