import { describe, expect, it } from 'vitest';
import { startApi } from '../support/api.ts';

const start = `mutation ($transport: Transport!) { startSession(transport: $transport) {
  session { id isCurrent state user { id } authenticatedAt antiCSRFToken } token antiCSRFToken } }`;
const current = '{ viewer { id } currentSession { id user { id } publicData } }';

describe('startSession', () => {
  it('starts an anonymous session over a cookie', async () => {
    const api = await startApi();
    const visitor = api.client();
    const { startSession } = await visitor.ask(start, { transport: 'COOKIE' });
    expect(startSession).toMatchObject({
      session: { isCurrent: true, state: 'LIVE', user: null, authenticatedAt: null },
      token: null,
      antiCSRFToken: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(startSession.session.antiCSRFToken).toBe(startSession.antiCSRFToken);
    expect(visitor.cookie).toMatch(/^session=/);
    const { viewer, currentSession } = await visitor.ask(current);
    expect(viewer).toBeNull();
    expect(currentSession.id).toBe(startSession.session.id);
  });

  it('starts one with a bearer token', async () => {
    const api = await startApi();
    const visitor = api.client();
    const { startSession } = await visitor.ask(start, { transport: 'BEARER' });
    expect(startSession).toMatchObject({ antiCSRFToken: null, token: expect.stringMatching(/^gqs_[0-9a-f]{32}\./) });
    expect(visitor.cookie).toBeNull();
    visitor.token = startSession.token;
    expect((await visitor.ask(current)).currentSession.id).toBe(startSession.session.id);
  });

  it('returns the live session of the caller, with or without a user', async () => {
    const api = await startApi();
    const visitor = api.client();
    const { startSession: first } = await visitor.ask(start, { transport: 'COOKIE' });
    visitor.antiCSRFToken = first.antiCSRFToken;
    const { startSession: second } = await visitor.ask(start, { transport: 'BEARER' });
    expect(second).toMatchObject({ session: { id: first.session.id }, token: null });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { startSession: third } = await ada.ask(start, { transport: 'COOKIE' });
    expect(third).toMatchObject({ session: { user: { id: expect.any(String) } }, token: null });
    expect(await api.database.session.count()).toBe(2);
  });

  it('is required for a session: queries, page visits and logout start none', async () => {
    const api = await startApi();
    const visitor = api.client();
    await visitor.ask(current);
    await visitor.ask('mutation { logout { revokedSessionId } }');
    await api.app.fetch(new Request(new URL('/graphql', api.config.publicUrl), { headers: { accept: 'text/html' } }));
    expect(visitor.cookie).toBeNull();
    expect(await api.database.session.count()).toBe(0);
  });
});

describe('anonymous session', () => {
  it('can be ended by its client, with logout or revoke, and lists no other sessions', async () => {
    const api = await startApi();
    const [one, two] = [api.client(), api.client()];
    for (const visitor of [one, two]) {
      visitor.token = (await visitor.ask(start, { transport: 'BEARER' })).startSession.token;
    }
    const { currentSession: mine } = await one.ask(current);
    const { currentSession: other } = await two.ask(current);
    const revoke = 'mutation ($id: ID!) { revoke(id: $id) { __typename } }';
    expect((await one.ask(revoke, { id: other.id })).revoke.__typename).toBe('SessionNotFoundError');
    expect((await one.ask('query ($id: ID!) { node(id: $id) { id } }', { id: other.id })).node).toBeNull();
    expect((await one.ask(revoke, { id: mine.id })).revoke.__typename).toBe('RevokePayload');
    expect((await one.ask(current)).currentSession).toBeNull();
    expect((await two.ask(current)).currentSession.id).toBe(other.id);
    expect((await two.send('mutation { revokeAll { revokedSessionIds } }')).code).toBe('UNAUTHENTICATED');
  });
});

describe('login from an anonymous session', () => {
  const set = 'mutation ($data: JSON!) { setPublicData(data: $data) { __typename } }';
  const login = (field: string) => `mutation { ${field}(email: "ada@example.com",
    password: "correct horse battery staple") { ... on SignInPayload { antiCSRFToken session { id publicData } } } }`;

  async function visitorWith(api: Awaited<ReturnType<typeof startApi>>, data: object) {
    const visitor = api.client();
    const { startSession } = await visitor.ask(start, { transport: 'COOKIE' });
    visitor.antiCSRFToken = startSession.antiCSRFToken;
    await visitor.ask(set, { data });
    return { visitor, id: startSession.session.id };
  }

  it.each(['signUp', 'login'])('moves its data and ends it: %s', async (field) => {
    const api = await startApi();
    if (field === 'login') await api.signUp('ada@example.com');
    const { visitor } = await visitorWith(api, { cart: [1, 2], theme: 'dark' });
    const before = await api.database.session.findFirstOrThrow({ where: { userId: null } });
    await api.database.session.update({ where: { id: before.id }, data: { privateData: '{"risk":7}' } });
    const stolen = Object.assign(api.client(), { cookie: visitor.cookie });
    const data = await visitor.ask(login(field));
    expect(data[field].session.publicData).toEqual({ cart: [1, 2], theme: 'dark' });
    const after = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
    expect(JSON.parse(after.privateData ?? '')).toEqual({ risk: 7 });
    expect(after.userId).not.toBeNull();
    expect((await stolen.ask(current)).currentSession).toBeNull();
  });

  it('never takes over the keys that only the server sets, such as a role', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const { visitor } = await visitorWith(api, { cart: [1] });
    const row = await api.database.session.findFirstOrThrow({ where: { userId: null } });
    const planted = '{"cart":[1],"role":"admin","roles":["admin"],"userId":1}';
    await api.database.session.update({ where: { id: row.id }, data: { publicData: planted, privateData: planted } });
    const { login: result } = await visitor.ask(login('login'));
    expect(result.session.publicData).toEqual({ cart: [1] });
    const after = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
    expect(after.privateData).toBe('{"cart":[1]}');
  });

  it('takes over nothing from the session of a deleted user', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const bob = await api.signUp('bob@example.com');
    await bob.ask(set, { data: { secret: 'of Bob' } });
    await api.database.user.delete({ where: { email: 'bob@example.com' } });
    expect((await bob.ask(login('login'))).login.session.publicData).toBeNull();
  });

  it('takes over nothing from the session of a user, from an ended one, or from one that was not presented', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await ada.ask(set, { data: { secret: 'of the session before' } });
    expect((await ada.ask(login('login'))).login.session.publicData).toBeNull();

    const { visitor: gone, id } = await visitorWith(api, { cart: [1] });
    await gone.ask('mutation ($id: ID!) { revoke(id: $id) { __typename } }', { id });
    expect((await gone.ask(login('login'))).login.session.publicData).toBeNull();

    await visitorWith(api, { cart: [2] });
    expect((await api.client().ask(login('login'))).login.session.publicData).toBeNull();
  });

  it('does all of it or nothing', async () => {
    const api = await startApi();
    const { visitor, id } = await visitorWith(api, { cart: [1] });
    expect((await visitor.ask(login('login'))).login).toEqual({});
    expect((await visitor.ask(current)).currentSession).toMatchObject({ id, publicData: { cart: [1] } });
  });
});
