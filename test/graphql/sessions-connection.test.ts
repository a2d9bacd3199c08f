import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { Client, startApi, type TestApi } from '../support/api.ts';
import { openEmptyDatabase } from '../support/database.ts';

const page = `query ($first: Int, $after: String, $last: Int, $before: String) {
  viewer { sessionsConnection(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id handle } edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;

async function pageOf(client: Client, variables: object) {
  const { sessionsConnection } = (await client.ask(page, variables)).viewer;
  return { ...sessionsConnection, handles: sessionsConnection.nodes.map(({ handle }: { handle: string }) => handle) };
}

/** Adds live sessions `live1`, `live2`… and then ended ones `ended1`, `ended2`… to a user. */
async function addSessions({ database, clock }: TestApi, email: string, live: number, ended = 0) {
  const { id: userId } = await database.user.findUniqueOrThrow({ where: { email } });
  const later = new Date(clock.now.getTime() + 1_000_000);
  const rows = (count: number, name: string) =>
    Array.from({ length: count }, (_, n) => ({ userId, handle: `${name}${n + 1}` }));
  await database.session.createMany({
    data: [
      ...rows(live, 'live').map((row) => ({ ...row, hashedSessionToken: 'x', expiresAt: later })),
      ...rows(ended, 'ended').map((row) => ({ ...row, expiresAt: clock.now })),
    ],
  });
}

describe('sessions of a user', () => {
  it('are a list with pages in both directions, newest first', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await addSessions(api, 'ada@example.com', 4);
    const first = await pageOf(ada, { first: 2 });
    expect(first).toMatchObject({ totalCount: 5, handles: ['live4', 'live3'], pageInfo: { hasNextPage: true } });
    const { endCursor: after } = first.pageInfo;
    const second = await pageOf(ada, { first: 2, after });
    expect(second.handles).toEqual(['live2', 'live1']);
    const last = await pageOf(ada, { first: 2, after: second.pageInfo.endCursor });
    expect(last).toMatchObject({ handles: [expect.any(String)], pageInfo: { hasNextPage: false } });
    expect((await pageOf(ada, { last: 2, before: last.pageInfo.startCursor })).handles).toEqual(['live2', 'live1']);
  });

  it('are live ones by default, and others by their state', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await addSessions(api, 'ada@example.com', 1, 2);
    const count = async (filter: string) => {
      const { totalCount, nodes } = (
        await ada.ask(`{ viewer { sessionsConnection${filter} { totalCount nodes { state } } } }`)
      ).viewer.sessionsConnection;
      expect(nodes).toHaveLength(totalCount);
      return totalCount;
    };
    expect(await count('')).toBe(2);
    expect(await count('(state: LIVE)')).toBe(2);
    expect(await count('(state: ENDED)')).toBe(2);
    expect(await count('(state: null)')).toBe(4);
  });

  it('lose none if the session of the cursor has ended since, or was deleted', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await addSessions(api, 'ada@example.com', 4);
    const { nodes, pageInfo } = await pageOf(ada, { first: 2 });
    await ada.ask('mutation ($id: ID!) { revoke(id: $id) { __typename } }', { id: nodes[1].id });
    for (const change of ['ended', 'deleted']) {
      if (change === 'deleted') await api.database.session.deleteMany({ where: { handle: 'live3' } });
      expect((await pageOf(ada, { first: 2, after: pageInfo.endCursor })).handles, change).toEqual(['live2', 'live1']);
      expect((await pageOf(ada, { last: 1, before: pageInfo.endCursor })).handles, change).toEqual(['live4']);
    }
  });

  it('take a statement for all pages of live ones, and otherwise one for each page and one for all counts', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await addSessions(api, 'ada@example.com', 30);
    const statements = async (args: string) => {
      const fields = 'totalCount again: totalCount nodes { id user { email } } edges { node { handle } }';
      const twice = `first: sessionsConnection${args} { ${fields} } second: sessionsConnection${args} { ${fields} }`;
      api.statements.length = 0;
      await ada.ask(`{ viewer { ${twice} sessions { id } } }`);
      // Besides, the session of the request was read, and the list of live sessions.
      return api.statements.length - 2;
    };
    expect(await statements('')).toBe(0);
    expect(await statements('(state: ENDED)')).toBe(3);
    expect(await statements('(state: null)')).toBe(3);
  });

  it('are those after each mutation of an operation', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await addSessions(api, 'ada@example.com', 2);
    const { nodes } = await pageOf(ada, {});
    const fields =
      '{ ... on RevokePayload { viewer { sessions { id } sessionsConnection { totalCount nodes { id } } } } }';
    const { first, second } = await ada.ask(
      `mutation ($a: ID!, $b: ID!) { first: revoke(id: $a) ${fields} second: revoke(id: $b) ${fields} }`,
      { a: nodes[0].id, b: nodes[1].id },
    );
    expect([first, second].map(({ viewer }) => viewer.sessions.length)).toEqual([2, 1]);
    expect([first, second].map(({ viewer }) => viewer.sessionsConnection.totalCount)).toEqual([2, 1]);
  });

  it('have at most a hundred on a page, and refuse unknown cursors', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await addSessions(api, 'ada@example.com', 120);
    expect((await pageOf(ada, {})).nodes).toHaveLength(20);
    expect((await pageOf(ada, { first: 1_000 })).nodes).toHaveLength(100);
    for (const cursor of ['nonsense', '', 'R1BDOk46eA==']) {
      for (const variables of [{ after: cursor }, { before: cursor }]) {
        expect((await ada.send(page, variables)).code).toBe('BAD_USER_INPUT');
      }
    }
  });

  it('of many users are a few thousand pages at most', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const query = (connections: number) => {
      const one = (n: number) => `c${n}: sessionsConnection(first: 1) { nodes { id } }`;
      return `{ users(first: 100) { nodes { ${Array.from({ length: connections }, (_, n) => one(n)).join(' ')} } } }`;
    };
    expect((await root.send(query(20))).code).toBeUndefined();
    expect((await root.send(query(30))).code).toBe('BAD_USER_INPUT');
  });

  it('are read from the replica for other users only', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const { database: replica } = await openEmptyDatabase();
    await replica.user.create({ data: { email: 'copy@example.com', hashedPassword: 'x', role: 'user' } });
    const { id: userId } = await replica.user.create({
      data: { email: 'ada@example.com', hashedPassword: 'x', role: 'user' },
    });
    await addSessions({ ...api, database: replica }, 'ada@example.com', 2);
    expect(userId).toBe(2n);
    await api.signUp('ada@example.com');
    const { database, config } = api;
    const app = createApp({ database, replica, config, report: (error) => api.reported.push(error) });
    const client = Object.assign(new Client(app, config.publicUrl), { token: root.token });
    const { user, viewer } = await client.ask(
      '{ user(by: { email: "ada@example.com" }) { ...S } viewer { ...S } } ' +
        'fragment S on User { sessionsConnection { totalCount nodes { handle } } }',
    );
    expect(user.sessionsConnection).toEqual({ totalCount: 2, nodes: [{ handle: 'live2' }, { handle: 'live1' }] });
    expect(viewer.sessionsConnection).toMatchObject({ totalCount: 1, nodes: [{ handle: expect.any(String) }] });
  });
});
