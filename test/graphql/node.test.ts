import { describe, expect, it } from 'vitest';
import { password, startApi } from '../support/api.ts';
import { startIdsAfter } from '../support/ids.ts';

/** Returns an ID with padding, as version 0.9.0 made them. */
const idOf = (text: string) => Buffer.from(text).toString('base64');

describe('node', () => {
  it('finds the caller and its sessions by their ids', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const { viewer, currentSession } = await ada.ask('{ viewer { id } currentSession { id } }');
    const query = 'query ($id: ID!) { node(id: $id) { __typename id } }';
    expect(await ada.ask(query, { id: viewer.id })).toEqual({ node: { __typename: 'User', id: viewer.id } });
    expect(await ada.ask(query, { id: currentSession.id })).toEqual({
      node: { __typename: 'Session', id: currentSession.id },
    });
  });

  it('finds audit events for their user and for administrators only', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const bob = await api.signUp('bob@example.com', 'BEARER');
    const root = await api.signUpAdmin('root@example.com');
    const visitor = api.client();
    visitor.token = (await visitor.ask('mutation { startSession(transport: BEARER) { token } }')).startSession.token;
    // This one belongs to no user: it must not be taken for an event of a visitor, who has none either.
    await api.client().login('unknown@example.com');
    const query = 'query ($id: ID!) { node(id: $id) { __typename id ... on AuditEvent { type } } }';
    const { nodes } = (await root.ask('{ auditEvents(first: 100) { nodes { id type user { email } } } }')).auditEvents;
    const idsOf = (email?: string) =>
      nodes.flatMap((event: { id: string; user: { email: string } | null }) =>
        event.user?.email === email ? [event.id] : [],
      );
    const [ofAda] = idsOf('ada@example.com');
    const [ofUnknown] = idsOf();
    expect((await ada.ask('{ viewer { auditEvents { nodes { id } } } }')).viewer.auditEvents.nodes).toEqual([
      { id: ofAda },
    ]);
    const signedUp = { node: { __typename: 'AuditEvent', id: ofAda, type: 'SIGNED_UP' } };
    for (const client of [ada, root]) expect(await client.ask(query, { id: ofAda })).toEqual(signedUp);
    for (const client of [bob, visitor, api.client()]) {
      expect(await client.ask(query, { id: ofAda })).toEqual({ node: null });
    }
    for (const client of [ada, bob, visitor, api.client()]) {
      expect(await client.ask(query, { id: ofUnknown })).toEqual({ node: null });
    }
    expect((await root.ask(query, { id: ofUnknown })).node.type).toBe('LOGIN_FAILED');
  });

  it('is null for an unknown, foreign or malformed id, and without a session', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const bob = await api.signUp('bob@example.com');
    const query = 'query ($id: ID!) { node(id: $id) { id } }';
    const { viewer, currentSession } = await ada.ask('{ viewer { id } currentSession { id } }');
    for (const id of [viewer.id, currentSession.id]) {
      expect(await bob.ask(query, { id })).toEqual({ node: null });
      expect(await api.client().ask(query, { id })).toEqual({ node: null });
    }
    const nonsense = ['', 'x', idOf('User'), idOf('User:'), idOf('User:0'), idOf('User:-1'), idOf('User:1.5')];
    const impossible = [idOf('User:99999999999999999999'), idOf('User:4294967296'), idOf('Query:1'), idOf('User:1:1')];
    for (const id of [...nonsense, ...impossible, idOf('constructor:1')]) {
      expect(await ada.ask(query, { id }), id).toEqual({ node: null });
    }
  });
});

describe('ids', () => {
  it('need no escapes in a URL, and are the same everywhere', async () => {
    const api = await startApi();
    // Ids of one to four digits have every length of padding.
    for (const start of [1n, 10n, 100n, 1000n]) {
      if (start > 1n) await startIdsAfter(api, start);
      const ada = await api.signUp(`ada${start}@example.com`, 'BEARER');
      const { viewer, currentSession } = await ada.ask('{ viewer { id } currentSession { id } }');
      const { revokeAll } = await ada.ask('mutation { revokeAll { revokedSessionIds } }');
      expect(revokeAll.revokedSessionIds).toEqual([currentSession.id]);
      for (const id of [viewer.id, currentSession.id]) expect(id).toMatch(/^[\w-]+$/);
      const text = Buffer.from(viewer.id, 'base64url').toString();
      expect(text).toMatch(/^User:\d+$/);
      expect(Buffer.from(text).toString('base64url')).toBe(viewer.id);
    }
  });

  it('are accepted with padding too, as version 0.9.0 made them', async () => {
    const api = await startApi();
    await startIdsAfter(api, 10n);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const root = await api.signUpAdmin('root@example.com');
    const { viewer } = await ada.ask('{ viewer { id } }');
    const padded = idOf(Buffer.from(viewer.id, 'base64url').toString());
    expect(padded).toBe(`${viewer.id}==`);
    const { node, nodes, user, auditEvents } = await root.ask(
      `query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } user(by: { id: $id }) { id }
        auditEvents(userId: $id) { nodes { user { id } } } }`,
      { id: padded },
    );
    for (const found of [node, ...nodes, user, auditEvents.nodes[0].user]) expect(found).toEqual({ id: viewer.id });
    await root.act('reauthenticate', { password });
    expect((await root.act('suspendUser', { id: padded })).__typename).toBe('UserPayload');
  });

  it('are the only texts of their object, so that no cache takes one object for several', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { viewer } = await ada.ask('{ viewer { id } }');
    for (const id of [
      ` ${viewer.id}`,
      `!${viewer.id}`,
      `${viewer.id}===`,
      `${viewer.id}==AA`,
      [...viewer.id].join(' '),
    ]) {
      expect((await ada.ask('query ($id: ID!) { node(id: $id) { id } }', { id })).node, id).toBeNull();
    }
  });
});

describe('nodes', () => {
  it('keeps the order, with null for invisible objects', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await api.signUp('bob@example.com');
    const { viewer, currentSession } = await ada.ask('{ viewer { id } currentSession { id } }');
    const ids = [idOf('User:2'), currentSession.id, 'nonsense', viewer.id, currentSession.id];
    const { nodes } = await ada.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }', { ids });
    const session = { __typename: 'Session' };
    expect(nodes).toEqual([null, session, null, { __typename: 'User' }, session]);
  });

  it('looks up all objects of one type by one statement', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    for (const secret of ['wrong', 'wrong again']) await ada.act('reauthenticate', { password: secret });
    const { viewer, currentSession } = await ada.ask(
      '{ viewer { id auditEvents { nodes { id } } } currentSession { id } }',
    );
    const events = viewer.auditEvents.nodes.map(({ id }: { id: string }) => id);
    expect(events).toHaveLength(3);
    const ids = [events[0], viewer.id, events[1], currentSession.id, events[2], idOf('AuditEvent:9999')];
    api.statements.length = 0;
    const { nodes } = await ada.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
    expect(nodes).toEqual([...ids.slice(0, -1).map((id) => ({ id })), null]);
    for (const table of ['User', 'Session', 'AuditEvent']) {
      const selects = api.statements.filter((sql) => new RegExp(`FROM (\\S+\\.)?[\`"]${table}[\`"] WHERE`).test(sql));
      // Besides, the session of the request was read, by a statement of its own.
      expect({ table, count: selects.filter((sql) => /[`"]id[`"] (=|IN)/.test(sql)).length }).toEqual({
        table,
        count: 1,
      });
    }
  });

  it('looks up the objects of one request together, also for node', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    await api.signUp('ada@example.com');
    const users = await api.database.user.findMany();
    const ids = [...users.map(({ id }) => idOf(`User:${id}`)), idOf('User:9999')];
    api.statements.length = 0;
    const query = `query ($ids: [ID!]!) {
      ${ids.map((id, n) => `a${n}: node(id: "${id}") { id }`).join(' ')} nodes(ids: $ids) { id }
    }`;
    const data = await root.ask(query, { ids });
    expect(data).toEqual({ a0: { id: ids[0] }, a1: { id: ids[1] }, a2: null, nodes: [data.a0, data.a1, null] });
    const selects = api.statements.filter((sql) => /FROM (\S+\.)?[`"]User[`"] WHERE/.test(sql));
    expect(selects).toHaveLength(1);
  });

  it('refuses more than a hundred ids', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const ids = Array.from({ length: 101 }, () => 'x');
    const { code } = await ada.send('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
    expect(code).toBe('BAD_USER_INPUT');
  });

  it('counts each id as a field, so that one operation looks up hundreds and not ten thousands', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const ids = Array.from({ length: 100 }, (_, n) => idOf(`Session:${n}`));
    const times = (count: number) =>
      `query ($ids: [ID!]!) { ${Array.from({ length: count }, (_, n) => `a${n}: nodes(ids: $ids) { id }`).join(' ')} }`;
    expect((await ada.send(times(14), { ids })).code).toBeUndefined();
    api.statements.length = 0;
    const refused = await ada.send(times(15), { ids });
    expect(refused.code).toBe('BAD_USER_INPUT');
    expect(refused.errors[0].message).toMatch(/complexity/);
    // The refused operation reads only the session of the request.
    expect(api.statements.filter((sql) => /[`"]id[`"] IN \(/.test(sql))).toEqual([]);
  });
});
