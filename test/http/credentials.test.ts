import { describe, expect, it } from 'vitest';
import { createToken } from '../../src/tokens/token.ts';
import { password, startApi } from '../support/api.ts';

const me = '{ viewer { email } currentSession { id } }';
const noSession = { viewer: null, currentSession: null };
const logout = 'mutation { logout { revokedSessionId } }';

describe('credential without a session', () => {
  it('is no session, and never an error', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const real = ada.token ?? '';
    const flipped = real.slice(0, -1) + (real.endsWith('A') ? 'E' : 'A');
    const damaged = ['', '.', 'x', real.slice(0, -1), `${real}A`, flipped, real.toUpperCase(), createToken().token];
    const odd = [real.replace('.', ';'), '%00', 'null', 'undefined', '🔑'.repeat(50), 'x'.repeat(9_000)];
    for (const token of [...damaged, ...odd]) {
      const printable = /^[\x20-\x7e]*$/.test(token) ? token : encodeURIComponent(token);
      for (const headers of [{ authorization: `Bearer ${printable}` }, { cookie: `session=${printable}` }]) {
        const { status, data, errors } = await api.client().send(me, {}, headers as Record<string, string>);
        expect({ status, data, errors }).toEqual({ status: 200, data: noSession, errors: undefined });
      }
    }
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    expect(api.reported).toEqual([]);
  });

  it('is cleared if it is a cookie, so that no client is locked out', async () => {
    const api = await startApi();
    const cleared = ['session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'];
    const { headers } = await api.client().send(me, {}, { cookie: 'theme=dark; session=broken' });
    expect(headers.getSetCookie()).toEqual(cleared);
    const { headers: others } = await api.client().send(me, {}, { cookie: 'theme=dark; mysession=broken' });
    expect(others.getSetCookie()).toEqual([]);
  });

  it('stays if its session has ended: the browser may have a newer one by now', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const late = Object.assign(api.client(), { cookie: ada.cookie });
    await ada.login('ada@example.com');
    const { data, headers } = await late.send(me);
    expect(data).toEqual(noSession);
    expect(headers.getSetCookie()).toEqual([]);
    api.clock.now = new Date(api.clock.now.getTime() + api.config.sessions.lifetimeMs);
    expect((await ada.send(me)).headers.getSetCookie()).toEqual([]);
  });

  it('does not prevent a login', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const client = Object.assign(api.client(), { cookie: 'session=broken' });
    expect(await client.login('ada@example.com')).toMatchObject({ __typename: 'SignInPayload' });
    expect(await client.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('includes two cookies of the same name, because one was planted', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const eve = await api.signUp('eve@example.com');
    const { data } = await api.client().send(me, {}, { cookie: `${eve.cookie}; ${ada.cookie}` });
    expect(data).toEqual(noSession);
  });
});

describe('Authorization header', () => {
  it('takes precedence over the cookie', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const bob = await api.signUp('bob@example.com', 'BEARER');
    const { data } = await ada.send(me, {}, { authorization: `bearer  ${bob.token}` });
    expect(data.viewer.email).toBe('bob@example.com');
  });

  it('is ignored in another scheme, which browsers send by themselves', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const basic = { authorization: 'Basic c3RhZ2luZzpzZWNyZXQ=' };
    expect((await ada.send(me, {}, basic)).data.viewer.email).toBe('ada@example.com');
    expect((await ada.send(me, {}, { ...basic, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await ada.send(logout, {}, { ...basic, 'anti-csrf': 'wrong' })).code).toBe('CSRF_TOKEN_INVALID');
  });

  it('replaces the cookie if a bearer session replaces that of the cookie', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await ada.login('ada@example.com', 'BEARER');
    expect(ada.cookie).toBeNull();
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    const start = 'mutation { startSession(transport: COOKIE) { token } logout { revokedSessionId } }';
    expect((await api.client().send(start)).headers.getSetCookie()).toEqual([expect.stringContaining('Max-Age=0')]);
  });

  it('sets no cookie and clears none', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { headers } = await ada.send(logout);
    expect(headers.getSetCookie()).toEqual([]);
    expect((await ada.send(me)).headers.getSetCookie()).toEqual([]);
  });
});

describe('mutation over the cookie', () => {
  it('changes nothing without the anti-CSRF token of the session', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const eve = await api.signUp('eve@example.com');
    const wrong = ['', ' ', 'x', 'null', eve.antiCSRFToken ?? '', (ada.antiCSRFToken ?? '').slice(0, -1)];
    for (const token of wrong) {
      const { status, code, data } = await ada.send(logout, {}, { 'anti-csrf': token });
      expect({ status, code, data }, token).toEqual({ status: 403, code: 'CSRF_TOKEN_INVALID', data: undefined });
    }
    const withoutHeader = Object.assign(api.client(), { cookie: ada.cookie });
    expect((await withoutHeader.send(logout)).code).toBe('CSRF_TOKEN_INVALID');
    const login = `mutation { login(email: "eve@example.com", password: "${password}") { __typename } }`;
    expect((await withoutHeader.send(login)).code).toBe('CSRF_TOKEN_INVALID');
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('accepts the anti-CSRF token that an older version stored, and no other', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const { antiCSRFToken: derived } = ada;
    await api.database.session.updateMany({ data: { transport: null, antiCSRFToken: 'stored' } });
    expect((await ada.ask('{ currentSession { antiCSRFToken } }')).currentSession.antiCSRFToken).toBe('stored');
    for (const wrong of [derived, '', null]) {
      ada.antiCSRFToken = wrong;
      expect((await ada.send(logout)).code).toBe('CSRF_TOKEN_INVALID');
    }
    ada.antiCSRFToken = 'stored';
    expect((await ada.ask(logout)).logout.revokedSessionId).not.toBeNull();
  });

  it('has an anti-CSRF token that is not stored', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    expect(ada.antiCSRFToken).toMatch(/^[\w-]{43}$/);
    const { antiCSRFToken, transport } = await api.database.session.findFirstOrThrow();
    expect({ antiCSRFToken, transport }).toEqual({ antiCSRFToken: null, transport: 'COOKIE' });
    // A token that is stored by mistake is no second key.
    await api.database.session.updateMany({ data: { antiCSRFToken: 'stored' } });
    expect((await ada.send(logout, {}, { 'anti-csrf': 'stored' })).code).toBe('CSRF_TOKEN_INVALID');
    expect((await ada.ask(logout)).logout.revokedSessionId).not.toBeNull();
  });

  it('can ask for the token again, so that a client that lost it is not locked out', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const reloaded = Object.assign(api.client(), { cookie: ada.cookie });
    const { currentSession } = await reloaded.ask('{ currentSession { antiCSRFToken } }');
    reloaded.antiCSRFToken = currentSession.antiCSRFToken;
    expect((await reloaded.ask(logout)).logout.revokedSessionId).not.toBeNull();
  });

  it('can change nothing with a bearer token in the cookie, which has no anti-CSRF token', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const planted = Object.assign(api.client(), { cookie: `session=${ada.token}` });
    for (const token of [null, '', 'null', 'undefined']) {
      planted.antiCSRFToken = token;
      expect((await planted.send(logout)).code).toBe('CSRF_TOKEN_INVALID');
    }
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('is refused with every name, spread and mixture', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const attacker = Object.assign(api.client(), { cookie: ada.cookie });
    const spread = 'fragment F on Mutation { logout { revokedSessionId } } mutation M { ...F }';
    expect((await attacker.send(spread)).code).toBe('CSRF_TOKEN_INVALID');
    expect((await attacker.send('mutation { __typename }')).code).toBe('CSRF_TOKEN_INVALID');
    expect(await attacker.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });
});
