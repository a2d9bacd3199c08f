import { describe, expect, it } from 'vitest';
import { settledId } from '../../src/database/ids.ts';
import { tablesWithIds } from '../../src/database/readiness/probe.ts';
import { readEvents } from '../../src/events/log.ts';
import { pagesOfUsers } from '../../src/transfer/export.ts';
import { importUsers, type Line } from '../../src/transfer/import.ts';
import { importBatch } from '../../src/transfer/import-batch.ts';
import { formatUserRecord } from '../../src/transfer/user-record.ts';
import { type Client, type Data, password, startApi, type TestApi } from '../support/api.ts';
import { globalIds, startIdsAfter, storedIds, type TableWithIds } from '../support/ids.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

/** The ids before the first: of 32 bits, where the next one is the last; of 33; and where numbers are not exact. */
const bounds = [2n ** 31n - 2n, 2n ** 31n - 1n, 2n ** 33n + 5n, 2n ** 53n];

async function startAfter(bound: bigint): Promise<TestApi> {
  const api = await startApi();
  await startIdsAfter(api, bound);
  return api;
}

/** Requires that the rows of a table have the ids after a bound, one after the other, and returns them. */
async function requireIds(api: TestApi, table: TableWithIds, bound: bigint): Promise<bigint[]> {
  const ids = await storedIds(api, table);
  expect(ids).toEqual(ids.map((_, n) => bound + 1n + BigInt(n)));
  return ids;
}

const field = (objects: { id: string }[]) => objects.map(({ id }) => id);

/** Pages through a listing of administrators from the start, or from the end, and returns the ids in that order. */
async function pageThrough(root: Client, listing: string, isForward: boolean): Promise<string[]> {
  const seen: string[] = [];
  const [size, from] = isForward ? ['first', 'after'] : ['last', 'before'];
  for (let cursor: string | null = null; ; ) {
    const query = `query ($cursor: String) { ${listing}(${size}: 2, ${from}: $cursor) {
      nodes { id } edges { cursor } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`;
    const { nodes, edges, pageInfo }: Data = (await root.ask(query, { cursor }))[listing];
    expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0].cursor, edges.at(-1).cursor]);
    seen.push(...(isForward ? field(nodes) : field(nodes).reverse()));
    cursor = isForward ? pageInfo.endCursor : pageInfo.startCursor;
    if (!(isForward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) return seen;
  }
}

describe.each(bounds)('ids after %i', (bound) => {
  it('are those of users and sessions, which are found, listed and ended by them', async () => {
    const api = await startAfter(bound);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (let n = 0; n < 3; n += 1) await api.client().login('ada@example.com', 'BEARER');
    await api.signUp('bob@example.com', 'BEARER');
    const [user = '', bob = ''] = globalIds('User', await requireIds(api, 'User', bound));
    const sessions = globalIds('Session', await requireIds(api, 'Session', bound));
    const [own = '', second = '', third = '', fourth = '', bobs = ''] = sessions;
    const events = globalIds('AuditEvent', await requireIds(api, 'AuditEvent', bound));
    await requireIds(api, 'UserToken', bound);
    const mine = '{ viewer { id sessions { id user { id } } } currentSession { id isCurrent user { id } } }';
    const found = await ada.ask(mine);
    expect(found.viewer.id).toBe(user);
    expect(field(found.viewer.sessions)).toEqual([fourth, third, second, own]);
    expect(found.viewer.sessions[0].user.id).toBe(user);
    expect(found.currentSession).toEqual({ id: own, isCurrent: true, user: { id: user } });

    const ids = [third, user, events[0], bob, bobs];
    const { nodes } = await ada.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
    expect(nodes).toEqual([{ id: third }, { id: user }, { id: events[0] }, null, null]);
    for (const id of [own, user, events[0]]) {
      expect((await ada.ask('query ($id: ID!) { node(id: $id) { id } }', { id })).node.id).toBe(id);
    }

    const revoke = (id: string) => ada.act('revoke', { id }, '... on RevokePayload { revokedSessionId }');
    expect((await revoke(second)).revokedSessionId).toBe(second);
    expect((await revoke(second)).revokedSessionId).toBeNull();
    expect((await revoke(bobs)).__typename).toBe('SessionNotFoundError');
    const { revokeOthers } = await ada.ask('mutation { revokeOthers { revokedSessionIds } }');
    expect(revokeOthers.revokedSessionIds.sort()).toEqual([third, fourth].sort());
    const { viewer } = await ada.ask('{ viewer { sessions { id } all: sessions(includeEnded: true) { id } } }');
    expect([field(viewer.sessions), field(viewer.all)]).toEqual([[own], [fourth, third, second, own]]);
    expect(await ada.ask('mutation { logout { revokedSessionId } }')).toEqual({ logout: { revokedSessionId: own } });
    expect(api.reported).toEqual([]);
  });

  it('are paged through by cursors, in both directions', async () => {
    const api = await startAfter(bound);
    const root = await api.signUpAdmin('root@example.com');
    for (const name of ['ada', 'bob', 'eve', 'joe']) await api.signUp(`${name}@example.com`);
    for (const [listing, table] of [
      ['users', 'User'],
      ['sessions', 'Session'],
      ['auditEvents', 'AuditEvent'],
    ] as const) {
      const ids = globalIds(table, await requireIds(api, table, bound));
      expect(ids).toHaveLength(5);
      expect(await pageThrough(root, listing, true)).toEqual(ids.toReversed());
      expect(await pageThrough(root, listing, false)).toEqual(ids);
    }
    const [user = ''] = globalIds('User', [bound + 2n]);
    const { auditEvents } = await root.ask('query ($id: ID!) { auditEvents(userId: $id) { nodes { user { id } } } }', {
      id: user,
    });
    expect(auditEvents.nodes).toEqual([{ user: { id: user } }]);
    await root.act('reauthenticate', { password });
    expect(await root.act('setUserRole', { id: user, role: 'editor' })).toEqual({
      __typename: 'UserPayload',
    });
    expect(await root.act('deleteUser', { id: user })).toEqual({ __typename: 'DeleteUserPayload' });
    expect((await storedIds(api, 'User')).includes(bound + 2n)).toBe(false);
    expect(api.reported).toEqual([]);
  });

  it('are those of mails and links, which work', async () => {
    const api = await startAfter(bound);
    await api.signUp('ada@example.com');
    await api.client().ask('mutation { requestPasswordReset(email: "ada@example.com") { __typename } }');
    const mails = await requireIds(api, 'Mail', bound);
    expect(mails).toHaveLength(2);
    const delivered = await deliverMail(api);
    expect(delivered.map(({ id }) => BigInt(id.split('.')[1] ?? '')).sort()).toEqual(mails);
    expect(await storedIds(api, 'Mail')).toEqual([]);
    expect((await requireIds(api, 'UserToken', bound)).length).toBeGreaterThan(2);
    const [fresh, token] = ['another staple of the horse battery', tokenIn(delivered, 'reset-password')];
    const reset = await api.client().act('resetPassword', { token, newPassword: fresh, transport: 'BEARER' });
    expect(reset.__typename).toBe('SignInPayload');
    expect((await api.client().login('ada@example.com', 'BEARER', fresh)).__typename).toBe('SignInPayload');
    expect(api.reported).toEqual([]);
  });

  it('are those of service clients, which are listed and changed by them', async () => {
    const api = await startAfter(bound);
    const root = await api.signUpAdmin('root@example.com');
    const create = (name: string) =>
      root.ask(`mutation { createServiceClient(name: "${name}", scopes: [INTROSPECT]) { __typename } }`);
    await create('one');
    await create('two');
    const [one = '', two = ''] = globalIds('ServiceClient', await requireIds(api, 'ServiceClient', bound));
    expect(await pageThrough(root, 'serviceClients', true)).toEqual([two, one]);
    const revoke = `mutation ($id: ID!) {
      revokeServiceClient(id: $id) { ... on RevokeServiceClientPayload { revokedServiceClientId } }
    }`;
    expect((await root.ask(revoke, { id: two })).revokeServiceClient).toEqual({ revokedServiceClientId: two });
    expect((await root.ask('query ($id: ID!) { node(id: $id) { id } }', { id: one })).node).toEqual({ id: one });
  });

  it('are those of users who are imported, exported, and followed in the log of events', async () => {
    const { database, ...api } = await startAfter(bound);
    async function* lines(): AsyncGenerator<Line> {
      for (let number = 1; number <= 1_001; number += 1) yield { number, text: `{"email":"u${number}@example.com"}` };
    }
    const outcomes = await Array.fromAsync(importUsers(lines(), (batch) => importBatch(database, batch, new Date())));
    expect(outcomes.filter(({ kind }) => kind === 'imported')).toHaveLength(1_001);
    const ids = await requireIds({ database, ...api }, 'User', bound);
    const users = (await Array.fromAsync(pagesOfUsers(database))).flat();
    expect(users.map(({ id }) => id)).toEqual(ids);
    expect(formatUserRecord(users[0] ?? expect.fail(), { withPasswordHash: true })).toContain('@example.com');

    const events = await requireIds({ database, ...api }, 'AuditEvent', bound);
    const first = await readEvents(database, 0n, 600);
    const rest = await readEvents(database, first.at(-1)?.id ?? 0n, 600);
    expect([...first, ...rest].map(({ id }) => id)).toEqual(events);
    expect(new Set([...first, ...rest].map(({ userId }) => userId))).toEqual(new Set(ids));
    expect(await settledId(database, 'AuditEvent')).toBe(events.at(-1));
  });
});

describe('ids at the end of 64 bits', () => {
  const last = 2n ** 63n - 1n;

  it('are exact, and nothing beyond them is an id', async () => {
    const api = await startAfter(last - 2n);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const root = await api.signUpAdmin('root@example.com');
    for (const table of tablesWithIds) await requireIds(api, table, last - 2n);
    expect(await pageThrough(root, 'users', true)).toEqual(globalIds('User', [last, last - 1n]));
    const node = async (id: bigint) => {
      const [user = ''] = globalIds('User', [id]);
      return (await root.ask('query ($id: ID!) { node(id: $id) { ... on User { email } } }', { id: user })).node;
    };
    expect(await node(last - 1n)).toEqual({ email: 'ada@example.com' });
    expect(await node(last)).toEqual({ email: 'root@example.com' });
    for (const id of [last - 2n, last + 1n, last * 10n]) expect(await node(id)).toBeNull();
    const pageAfter = (cursor: string) =>
      root.send('query ($after: String) { users(after: $after) { nodes { id } } }', { after: btoa(cursor) });
    expect((await pageAfter(`GPC:I:${last}`)).data.users.nodes).toEqual(
      globalIds('User', [last - 1n]).map((id) => ({ id })),
    );
    for (const cursor of [`GPC:I:${last + 1n}`, `GPC:N:${2n ** 31n}`, 'GPC:I:0', 'GPC:I:x']) {
      expect((await pageAfter(cursor)).code, cursor).toBe('BAD_USER_INPUT');
    }
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('ada@example.com');
    expect(api.reported).toEqual([]);
  });
});

describe('a cursor from when ids had 32 bits', () => {
  it('still leads on', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    await api.signUp('ada@example.com');
    const query = 'query ($after: String) { users(after: $after) { nodes { id } } }';
    const { users } = await root.ask(query, { after: btoa('GPC:N:2') });
    expect(field(users.nodes)).toEqual(globalIds('User', [1n]));
  });
});
