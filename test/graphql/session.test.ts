import { execute, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { Loaders } from '../../src/graphql/loaders.ts';
import { schema } from '../../src/graphql/schema.ts';
import { commandScope } from '../../src/scope.ts';
import { password, startApi, type TestApi } from '../support/api.ts';

const me = '{ viewer { email } currentSession { id } }';
const noSession = { viewer: null, currentSession: null };
const revoke = `mutation ($id: ID!) { revoke(id: $id) {
  __typename
  ... on RevokePayload { revokedSessionId session { id state expiresAt } viewer { email } }
  ... on UserError { code message }
} }`;

/** Ada on three devices, and Bob on one. */
async function adaAndBob(api: TestApi) {
  const laptop = await api.signUp('ada@example.com');
  const phone = api.client();
  await phone.login('ada@example.com', 'BEARER');
  const tablet = api.client();
  await tablet.login('ada@example.com', 'BEARER');
  const bob = await api.signUp('bob@example.com', 'BEARER');
  return { laptop, phone, tablet, bob };
}

async function sessionId(client: { ask(query: string): Promise<{ currentSession: { id: string } }> }) {
  return (await client.ask('{ currentSession { id } }')).currentSession.id;
}

describe('User.sessions', () => {
  it('lists the live sessions, newest first, and marks the current one', async () => {
    const api = await startApi();
    const { laptop, phone, tablet } = await adaAndBob(api);
    const ids = [await sessionId(tablet), await sessionId(phone), await sessionId(laptop)];
    const { viewer } = await phone.ask('{ viewer { sessions { id isCurrent state user { email } } } }');
    expect(viewer.sessions).toEqual(
      ids.map((id, index) => ({ id, isCurrent: index === 1, state: 'LIVE', user: { email: 'ada@example.com' } })),
    );
  });

  it('lists the ended sessions too on request', async () => {
    const api = await startApi();
    const { laptop, phone } = await adaAndBob(api);
    await phone.ask('mutation { logout { revokedSessionId } }');
    const query = '{ viewer { live: sessions { state } all: sessions(includeEnded: true) { state } } }';
    const { viewer } = await laptop.ask(query);
    expect(viewer.live).toHaveLength(2);
    expect(viewer.all.map((session: { state: string }) => session.state)).toEqual(['LIVE', 'ENDED', 'LIVE']);
  });

  it('is null for all callers but the user and administrators', async () => {
    const api = await startApi({ adminRoles: ['chief'] });
    const { laptop, bob } = await adaAndBob(api);
    const { viewer } = await laptop.ask('{ viewer { id sessions { id } } }');
    const query = `{ node(id: "${viewer.id}") { ... on User { email sessions { id } } } }`;
    expect(await bob.ask(query)).toEqual({ node: null });
    await api.database.user.update({ where: { email: 'bob@example.com' }, data: { role: 'chief' } });
    const { node } = await bob.ask(query);
    expect(node.sessions).toHaveLength(3);
  });
});

describe('objects of a user', () => {
  it('are hidden from other users, even from those who can reach a related object', async () => {
    const api = await startApi();
    const { bob } = await adaAndBob(api);
    expect(bob.token).not.toBeNull();
    const rows = await api.database.session.findMany({ include: { user: true }, orderBy: { id: 'asc' } });
    const adas = rows.find((row) => row.user?.email === 'ada@example.com');
    const bobs = rows.find((row) => row.user?.email === 'bob@example.com');
    const { now } = api.clock;
    const contextOf = (session: object) => {
      const { database, config } = api;
      const scope = { ...commandScope(now), session };
      return { database, config, caller: { scope }, loaders: new Loaders(database, now) };
    };
    const see = (session: object) =>
      execute({
        schema,
        document: parse('{ viewer { email sessions { id } } currentSession { user { email } } }'),
        contextValue: contextOf(session),
      });
    const own = { data: { viewer: { sessions: [{}] }, currentSession: { user: { email: 'bob@example.com' } } } };
    expect(await see({ ...bobs })).toMatchObject(own);
    // A caller that is Ada, in whose way objects of Bob have come.
    expect(await see({ ...bobs, userId: adas?.userId })).toMatchObject({ data: { viewer: { sessions: null } } });
  });

  it('are hidden in the answer that ends the session', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const query = `mutation ($id: ID!) { revoke(id: $id) { ... on RevokePayload { session { state user { email } } } } }`;
    const { revoke: result } = await ada.ask(query, { id: await sessionId(ada) });
    expect(result.session).toEqual({ state: 'ENDED', user: null });
  });
});

describe('logout', () => {
  it('ends the session for the very next request, and clears the cookie', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const stolen = Object.assign(api.client(), { cookie: ada.cookie, antiCSRFToken: ada.antiCSRFToken });
    const id = await sessionId(ada);
    expect(await ada.ask('mutation { logout { revokedSessionId } }')).toEqual({ logout: { revokedSessionId: id } });
    expect(ada.cookie).toBeNull();
    expect(await stolen.ask(me)).toEqual(noSession);
  });

  it('does nothing, and does not fail, without a session', async () => {
    const api = await startApi();
    expect(await api.client().ask('mutation { logout { revokedSessionId } }')).toEqual({
      logout: { revokedSessionId: null },
    });
  });

  it('ends one session when an operation calls it twice', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const data = await ada.ask('mutation { a: logout { revokedSessionId } b: logout { revokedSessionId } }');
    expect(data.a.revokedSessionId).not.toBeNull();
    expect(data.b.revokedSessionId).toBeNull();
  });

  it('changes nothing with a token that is not exactly that of the session', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const forger = api.client();
    forger.token = `${ada.token?.split('.')[0]}.${'A'.repeat(43)}`;
    expect(await forger.ask('mutation { logout { revokedSessionId } }')).toEqual({
      logout: { revokedSessionId: null },
    });
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });
});

describe('revoke', () => {
  it('ends another session of the same user for its very next request', async () => {
    const api = await startApi();
    const { laptop, phone } = await adaAndBob(api);
    const id = await sessionId(phone);
    const { revoke: result } = await laptop.ask(revoke, { id });
    expect(result).toEqual({
      __typename: 'RevokePayload',
      revokedSessionId: id,
      session: { id, state: 'ENDED', expiresAt: api.clock.now.toISOString() },
      viewer: { email: 'ada@example.com' },
    });
    expect(await phone.ask(me)).toEqual(noSession);
    expect(await laptop.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('signs out a caller that revokes its own session', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const { revoke: result } = await ada.ask(revoke, { id: await sessionId(ada) });
    expect(result.viewer).toBeNull();
    expect(ada.cookie).toBeNull();
    expect(await ada.ask(me)).toEqual(noSession);
  });

  it('answers for another user’s session, an unknown one and a malformed id in the same way, and changes nothing', async () => {
    const api = await startApi();
    const { laptop, bob } = await adaAndBob(api);
    const unknown = Buffer.from('Session:4711').toString('base64');
    const user = Buffer.from('User:1').toString('base64');
    const answers = [];
    for (const id of [await sessionId(bob), unknown, user, 'nonsense', '', '1', `${unknown}\u0000`]) {
      answers.push((await laptop.ask(revoke, { id })).revoke);
    }
    expect(answers[0]).toMatchObject({ __typename: 'SessionNotFoundError', code: 'SESSION_NOT_FOUND' });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await bob.ask(me)).toMatchObject({ viewer: { email: 'bob@example.com' } });
  });

  it('runs the same statements for another user’s session as for an unknown one', async () => {
    const api = await startApi();
    const { laptop, bob } = await adaAndBob(api);
    const unknown = Buffer.from('Session:4711').toString('base64');
    const statements = [];
    for (const id of [await sessionId(bob), unknown]) {
      api.statements.length = 0;
      await laptop.ask(revoke, { id });
      statements.push([...api.statements]);
    }
    expect(statements[0]).toEqual(statements[1]);
  });

  it('lets an administrator end any session', async () => {
    const api = await startApi();
    const { phone, bob } = await adaAndBob(api);
    await api.database.user.update({ where: { email: 'bob@example.com' }, data: { role: 'admin' } });
    await bob.ask(revoke, { id: await sessionId(phone) });
    expect(await phone.ask(me)).toEqual(noSession);
    expect(await bob.ask(me)).toMatchObject({ viewer: { email: 'bob@example.com' } });
  });

  it('can be repeated, and reports the end to exactly one of twenty concurrent callers', async () => {
    const api = await startApi();
    const { laptop, phone } = await adaAndBob(api);
    const id = await sessionId(phone);
    const answers = await Promise.all(Array.from({ length: 20 }, () => laptop.ask(revoke, { id })));
    const results = answers.map((answer) => answer.revoke);
    expect(results.filter((result) => result.revokedSessionId === id)).toHaveLength(1);
    expect(results.filter((result) => result.__typename === 'RevokePayload')).toHaveLength(20);
  });

  it('requires a session', async () => {
    const api = await startApi();
    const { status, data, code } = await api.client().send(revoke, { id: 'x' });
    expect({ status, data, code }).toEqual({ status: 200, data: { revoke: null }, code: 'UNAUTHENTICATED' });
  });
});

describe('revokeOthers', () => {
  it('ends all sessions of the user except the current one', async () => {
    const api = await startApi();
    const { laptop, phone, tablet, bob } = await adaAndBob(api);
    const { revokeOthers } = await laptop.ask(
      'mutation { revokeOthers { revokedSessionIds viewer { sessions { isCurrent } } } }',
    );
    expect(revokeOthers.revokedSessionIds).toHaveLength(2);
    expect(revokeOthers.viewer.sessions).toEqual([{ isCurrent: true }]);
    expect(await phone.ask(me)).toEqual(noSession);
    expect(await tablet.ask(me)).toEqual(noSession);
    expect(await laptop.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    expect(await bob.ask(me)).toMatchObject({ viewer: { email: 'bob@example.com' } });
  });

  it('leaves its sibling fields alone without a signed-in user', async () => {
    const api = await startApi();
    const { data, code } = await api
      .client()
      .send('mutation { revokeOthers { revokedSessionIds } logout { revokedSessionId } }');
    expect(code).toBe('UNAUTHENTICATED');
    expect(data).toEqual({ revokeOthers: null, logout: { revokedSessionId: null } });
  });
});

describe('revokeAll', () => {
  it('ends all sessions of the user, including the current one, and no others', async () => {
    const api = await startApi();
    const { laptop, phone, bob } = await adaAndBob(api);
    const { revokeAll } = await laptop.ask('mutation { revokeAll { revokedSessionIds viewer { email } } }');
    expect(revokeAll.revokedSessionIds).toHaveLength(3);
    expect(revokeAll.viewer).toBeNull();
    expect(laptop.cookie).toBeNull();
    for (const client of [laptop, phone]) expect(await client.ask(me)).toEqual(noSession);
    expect(await bob.ask(me)).toMatchObject({ viewer: { email: 'bob@example.com' } });
    await laptop.login('ada@example.com');
    expect(await laptop.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });
});

describe('session', () => {
  it('ends by itself at the end of its lifetime', async () => {
    const api = await startApi({ sessions: { idleTimeoutMs: 60_000, lifetimeMs: 60_000, maxPerUser: 20 } });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    api.clock.now = new Date(api.clock.now.getTime() + 59_999);
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    api.clock.now = new Date(api.clock.now.getTime() + 1);
    expect(await ada.ask(me)).toEqual(noSession);
  });

  it('has no user after the deletion of the user', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.database.user.delete({ where: { email: 'ada@example.com' } });
    expect(await ada.ask('{ viewer { id } currentSession { user { id } } }')).toEqual({
      viewer: null,
      currentSession: { user: null },
    });
  });

  it('shows its anti-CSRF token only to its own client', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    const query = '{ viewer { sessions { isCurrent antiCSRFToken } } }';
    const { viewer } = await ada.ask(query);
    expect(viewer.sessions).toEqual([
      { isCurrent: false, antiCSRFToken: null },
      { isCurrent: true, antiCSRFToken: ada.antiCSRFToken },
    ]);
    const seen = await phone.ask(query);
    expect(JSON.stringify(seen)).not.toContain(ada.antiCSRFToken);
  });
});

describe('user with sessions and each session’s user', () => {
  it('costs the same number of SQL statements for any number of sessions', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const query = '{ viewer { email sessions { id user { email sessions { id } } } } }';
    const count = async () => {
      api.statements.length = 0;
      const { viewer } = await ada.ask(query);
      return { sessions: viewer.sessions.length, statements: api.statements.length };
    };
    const few = await count();
    for (let device = 0; device < 10; device += 1) await api.client().login('ada@example.com');
    const many = await count();
    expect(few.sessions).toBe(1);
    expect(many.sessions).toBe(11);
    expect(many.statements).toBe(few.statements);
    expect(many.statements).toBeLessThanOrEqual(6);
  });

  it('costs the same through nodes', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (let device = 0; device < 5; device += 1) await api.client().login('ada@example.com');
    const { viewer } = await ada.ask('{ viewer { id sessions { id } } }');
    const ids = viewer.sessions.map((session: { id: string }) => session.id);
    const count = async (some: string[]) => {
      api.statements.length = 0;
      const { nodes } = await ada.ask(
        'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Session { user { email } } } }',
        { ids: some },
      );
      expect(nodes.map((node: { id: string }) => node.id)).toEqual(some);
      return api.statements.length;
    };
    expect(await count(ids)).toBe(await count(ids.slice(0, 1)));
  });
});

describe('password', () => {
  it('is checked against the account of the email and no other', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    await api
      .client()
      .ask('mutation { signUp(email: "eve@example.com", password: "another one entirely") { __typename } }');
    expect(await api.client().login('eve@example.com', 'COOKIE', password)).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
  });
});
