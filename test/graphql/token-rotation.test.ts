import { describe, expect, it } from 'vitest';
import { hashToken } from '../../src/tokens/token.ts';
import { type Client, password, rotating, startApi, type TestApi } from '../support/api.ts';
import { pausingBeforeAnswer, pausingBeforeRenewal, pausingOnceRead } from '../support/pausing.ts';

const me = '{ viewer { email } currentSession { id handle authenticatedAt } }';
const noSession = { viewer: null, currentSession: null };
const fresh = 'another battery staple';
const hour = 3_600_000;
const setData = 'mutation { setPublicData(data: { late: 1 }) { __typename } }';
const logout = 'mutation { logout { revokedSessionId } }';

const variables = {
  reauthenticate: { password },
  changePassword: { currentPassword: password, newPassword: fresh },
};

const ways = (['COOKIE', 'BEARER'] as const).flatMap((transport) =>
  (['reauthenticate', 'changePassword'] as const).map((act) => [act, transport] as const),
);

/** Returns another client with the same credentials, such as a concurrent request. */
function copyOf(api: TestApi, { cookie, token, antiCSRFToken }: Client): Client {
  return Object.assign(api.client(), { cookie, token, antiCSRFToken });
}

function later(api: TestApi, ms: number) {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

/** Returns a user whose next request will renew the session. */
async function ada(transport: 'COOKIE' | 'BEARER' = 'COOKIE') {
  const api = await startApi({ sessions: { idleTimeoutMs: hour, lifetimeMs: 24 * hour, maxPerUser: 20 } });
  const client = await api.signUp('ada@example.com', transport);
  const row = () => api.database.session.findFirstOrThrow({ orderBy: { id: 'asc' } });
  return { api, client, row };
}

const refusal = { status: 409, code: 'SESSION_TOKEN_REPLACED', data: undefined };

/** Expects that every request with the replaced token is refused as a whole, by both transports. */
async function expectRefused(api: TestApi, old: Client) {
  const before = await api.database.session.findMany();
  // Every other request goes by the fast path.
  for (const query of [me, me, setData, setData, logout, logout, '{ __typename }', '{ __typename }']) {
    const answer = await old.send(query);
    expect(answer).toMatchObject(refusal);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.getSetCookie()).toEqual([]);
  }
  expect(await api.database.session.findMany()).toEqual(before);
}

async function expectNoSession(old: Client) {
  for (let time = 0; time < 2; time += 1) {
    const { status, data, headers } = await old.send(me);
    expect({ status, data }).toEqual({ status: 200, data: noSession });
    // A late answer must not take the new cookie from the browser.
    expect(headers.getSetCookie()).toEqual([]);
  }
}

describe.each(ways)('%s in a session by %s', (act, transport) => {
  it('gives the session a new token, and rejects the old one at once', async () => {
    const { api, client, row } = await ada(transport);
    const old = copyOf(api, client);
    const before = await row();
    later(api, 60_000);
    const selection = `... on ${rotating[act]?.split(' ')[2]} { session { id handle authenticatedAt } token antiCSRFToken }`;
    const rotated = await client.act(act, variables[act], selection);
    expect(rotated).toMatchObject({
      session: { handle: before.handle, authenticatedAt: api.clock.now.toISOString() },
      token: transport === 'BEARER' ? expect.stringMatching(new RegExp(`^gqs_${before.handle}\\.[\\w-]{43}$`)) : null,
      antiCSRFToken: transport === 'BEARER' ? null : expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(client.token === old.token).toBe(transport === 'COOKIE');
    expect(client.cookie === old.cookie).toBe(transport === 'BEARER');
    const after = await row();
    expect(after).toMatchObject({ transport, antiCSRFToken: null, replacedHashedToken: before.hashedSessionToken });
    expect(after.hashedSessionToken).not.toBe(before.hashedSessionToken);
    await expectRefused(api, old);
    expect(await client.ask(me)).toMatchObject({ currentSession: { id: rotated.session.id } });
    expect((await client.ask(setData)).setPublicData.__typename).toBe('SessionDataPayload');
  });

  it('treats the old token as no session, once no concurrent request can still arrive', async () => {
    const { api, client } = await ada(transport);
    const old = copyOf(api, client);
    await client.act(act, variables[act]);
    later(api, 9_999);
    await expectRefused(api, old);
    later(api, 1);
    await expectNoSession(old);
    // A client that lost the answer is not locked out.
    const secret = act === 'changePassword' ? fresh : password;
    expect(await old.login('ada@example.com', transport, secret)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await client.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('does nothing of that after a wrong password', async () => {
    const { api, client, row } = await ada(transport);
    const before = await row();
    const wrong = {
      reauthenticate: { password: fresh },
      changePassword: { currentPassword: fresh, newPassword: fresh },
    };
    const { cookie, token } = client;
    expect((await client.act(act, wrong[act])).__typename).toBe('InvalidCredentialsError');
    expect(await row()).toEqual(before);
    expect(client).toMatchObject({ cookie, token });
    expect(await copyOf(api, client).ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });
});

describe('replaced token', () => {
  it('is recognized only as a whole', async () => {
    const { api, client } = await ada('BEARER');
    const { token } = client;
    await client.act('reauthenticate', { password });
    for (const wrong of [`${token?.slice(0, -1)}_`, `${token?.split('.')[0]}.${'A'.repeat(43)}`]) {
      for (const credential of [{ token: wrong }, { cookie: `session=${wrong}` }]) {
        await expectNoSession(Object.assign(api.client(), credential));
      }
    }
  });

  it('is no session from the next rotation on', async () => {
    const { api, client } = await ada();
    const [first, second] = [copyOf(api, client), api.client()];
    await client.act('reauthenticate', { password });
    Object.assign(second, { cookie: client.cookie });
    await client.act('reauthenticate', { password });
    await expectNoSession(first);
    await expectRefused(api, second);
  });

  it('is no session after the end of the session', async () => {
    const { api, client, row } = await ada();
    const old = copyOf(api, client);
    await client.act('reauthenticate', { password });
    await client.ask(logout);
    await expectNoSession(old);
    expect(await row()).toMatchObject({ hashedSessionToken: null, replacedHashedToken: null });
  });
});

describe('session with a replaced token', () => {
  it('requires from other tabs, which have the new cookie, the new anti-CSRF token', async () => {
    const { api, client } = await ada();
    const tab = copyOf(api, client);
    await client.act('reauthenticate', { password });
    tab.cookie = client.cookie;
    expect(await tab.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    expect(await tab.send(setData)).toMatchObject({ status: 403, code: 'CSRF_TOKEN_INVALID' });
    const { currentSession } = await tab.ask('{ currentSession { antiCSRFToken } }');
    expect(currentSession.antiCSRFToken).toBe(client.antiCSRFToken);
    tab.antiCSRFToken = currentSession.antiCSRFToken;
    expect((await tab.ask(setData)).setPublicData.__typename).toBe('SessionDataPayload');
  });

  it('has a cookie that ends with the absolute lifetime', async () => {
    const { api, client } = await ada();
    later(api, 60_000);
    const mutation = `mutation { reauthenticate(password: "${password}") { __typename } }`;
    const { headers } = await client.send(mutation);
    expect(headers.getSetCookie()).toEqual([`${client.cookie}; Max-Age=86340; Path=/; HttpOnly; SameSite=Lax`]);
  });

  it('returns the new token by the transport of the old one, and accepts it there only', async () => {
    const { api, client, row } = await ada();
    const program = Object.assign(api.client(), { token: client.cookie?.replace('session=', '') });
    await program.act('reauthenticate', { password });
    expect(hashToken(program.token ?? '')).toBe((await row()).hashedSessionToken);
    expect(await row()).toMatchObject({ transport: 'BEARER' });
    expect(program.antiCSRFToken).toBeNull();
    const planted = Object.assign(api.client(), { cookie: `session=${program.token}` });
    for (const antiCSRFToken of [null, '', client.antiCSRFToken]) {
      expect((await Object.assign(planted, { antiCSRFToken }).send(setData)).code).toBe('CSRF_TOKEN_INVALID');
    }
  });

  it('has a derived anti-CSRF token, even if another one was stored', async () => {
    const { api, client, row } = await ada();
    await api.database.session.updateMany({ data: { transport: null, antiCSRFToken: 'stored' } });
    client.antiCSRFToken = 'stored';
    await client.act('reauthenticate', { password });
    expect(await row()).toMatchObject({ transport: 'COOKIE', antiCSRFToken: null });
    expect((await client.send(setData, {}, { 'anti-csrf': 'stored' })).code).toBe('CSRF_TOKEN_INVALID');
    expect((await client.ask(setData)).setPublicData.__typename).toBe('SessionDataPayload');
  });
});

describe('concurrent request during a rotation', () => {
  it('continues, and its changes stay, if it had the session', async () => {
    const { api, client, row } = await ada();
    const pausing = pausingOnceRead(api);
    Object.assign(pausing.client, { cookie: client.cookie, antiCSRFToken: client.antiCSRFToken });
    const answer = pausing.client.send(setData);
    await pausing.reached;
    await client.act('reauthenticate', { password });
    const rotated = await row();
    pausing.resume();
    expect((await answer).data.setPublicData.__typename).toBe('SessionDataPayload');
    expect((await answer).headers.getSetCookie()).toEqual([]);
    const { updatedAt: _, ...rest } = { ...rotated, publicData: '{"late":1}' };
    expect(await row()).toMatchObject(rest);
    expect(await client.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('is refused if it was about to renew the session, and renews nothing', async () => {
    const { api, client, row } = await ada();
    const pausing = pausingBeforeRenewal(api);
    pausing.client.cookie = client.cookie;
    later(api, hour / 2);
    const answer = pausing.client.send(me, {}, { 'user-agent': 'a late one' });
    await pausing.reached;
    // Renewed before, by the request that replaces the token.
    await client.act('reauthenticate', { password });
    const rotated = await row();
    pausing.resume();
    expect(await answer).toMatchObject(refusal);
    expect((await answer).headers.getSetCookie()).toEqual([]);
    expect(await row()).toEqual(rotated);
  });

  it.each(['reauthenticate', 'changePassword'] as const)('replaces no token itself: %s', async (act) => {
    const { api, client, row } = await ada('BEARER');
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    const pausing = pausingOnceRead(api);
    pausing.client.token = client.token;
    const declared =
      act === 'reauthenticate' ? `password: "${password}"` : `currentPassword: "${password}", newPassword: "${fresh}"`;
    const answer = pausing.client.send(`mutation { ${act}(${declared}) { __typename } }`);
    await pausing.reached;
    await client.act('reauthenticate', { password });
    const rotated = await row();
    pausing.resume();
    expect(await answer).toMatchObject({ status: 409, code: 'SESSION_TOKEN_REPLACED' });
    expect(await row()).toEqual(rotated);
    expect(await client.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    // Nothing of it was done.
    expect(await phone.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    expect(await api.client().login('ada@example.com')).toMatchObject({ __typename: 'SignInPayload' });
    expect(api.reported).toEqual([]);
  });
});

describe('rotation', () => {
  it.each([false, true])('sets the new cookie, unless the session has ended before the answer: %s', async (isEnded) => {
    const { api, client, row } = await ada();
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    const pausing = pausingBeforeAnswer(api);
    Object.assign(pausing.client, { cookie: client.cookie, antiCSRFToken: client.antiCSRFToken });
    const answer = pausing.client.send(`mutation { reauthenticate(password: "${password}") { __typename } }`);
    await pausing.reached;
    expect(await row()).toMatchObject({ replacedHashedToken: expect.any(String) });
    if (isEnded) await phone.ask('mutation { revokeOthers { revokedSessionIds } }');
    pausing.resume();
    expect((await answer).data.reauthenticate.__typename).toBe('ReauthenticatePayload');
    expect((await answer).headers.getSetCookie()).toHaveLength(isEnded ? 0 : 1);
  });
});

describe('concurrent rotations', () => {
  it('replace a token once', async () => {
    const { api, client } = await ada('BEARER');
    const clients = Array.from({ length: 6 }, () => copyOf(api, client));
    const mutation = `mutation { reauthenticate(password: "${password}") { __typename ${rotating.reauthenticate} } }`;
    const answers = await Promise.all(clients.map((one) => one.send(mutation)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const answer of answers) if (!won.includes(answer)) expect(answer.code).toBe('SESSION_TOKEN_REPLACED');
    client.token = won[0]?.data.reauthenticate.token;
    expect(await client.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    expect(await api.database.auditEvent.count({ where: { type: 'REAUTHENTICATED' } })).toBe(1);
  });

  it.each(['logout', 'revokeAll'])('leave no session if one of them is %s', async (end) => {
    for (let round = 0; round < 4; round += 1) {
      const { api, client, row } = await ada('BEARER');
      const other = copyOf(api, client);
      const rotation = client.send(
        `mutation { reauthenticate(password: "${password}") { __typename ${rotating.reauthenticate} } }`,
      );
      const ending = async () => {
        const { status } = await other.send(`mutation { ${end} { __typename } }`);
        return status;
      };
      const [rotated, ended] = await Promise.all([rotation, ending()]);
      // The one that comes second is refused, or finds the session ended.
      if (ended === 409) expect((await row()).hashedSessionToken).not.toBeNull();
      else {
        expect(await row()).toMatchObject({ hashedSessionToken: null, replacedHashedToken: null });
        expect((await client.ask(me)).viewer).toBeNull();
      }
      expect(rotated.status).toBe(200);
      expect(api.reported).toEqual([]);
    }
  });
});
