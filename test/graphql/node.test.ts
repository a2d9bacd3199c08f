import { describe, expect, it } from 'vitest';
import { startApi } from '../support/api.ts';

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

  it('is null for what is unknown, what is another’s, what is nonsense, and for anybody without a session', async () => {
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

describe('nodes', () => {
  it('keeps the order, and has null where there is nothing to see', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await api.signUp('bob@example.com');
    const { viewer, currentSession } = await ada.ask('{ viewer { id } currentSession { id } }');
    const ids = [idOf('User:2'), currentSession.id, 'nonsense', viewer.id, currentSession.id];
    const { nodes } = await ada.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }', { ids });
    const session = { __typename: 'Session' };
    expect(nodes).toEqual([null, session, null, { __typename: 'User' }, session]);
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
    // Of the refused operation, only the session of the request is read.
    expect(api.statements.filter((sql) => /[`"]id[`"] IN \(/.test(sql))).toEqual([]);
  });
});
