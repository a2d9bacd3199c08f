import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { hashToken } from '../../src/tokens/token.ts';
import { password, startApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const set = `mutation ($data: JSON!, $transport: Transport! = COOKIE) { setPublicData(data: $data, transport: $transport) {
  __typename ... on SessionDataPayload { session { id publicData antiCSRFToken } token }
  ... on ValidationError { code issues { path message } } } }`;
const setPrivate = `mutation ($id: ID!, $data: JSON!) { setPrivateData(sessionId: $id, data: $data) {
  __typename ... on SessionDataPayload { session { privateData } } ... on UserError { code } } }`;
const read = '{ currentSession { id publicData } }';

const key = 'the key of a trusted service';
const service = { 'x-service-key': key };

describe('setPublicData', () => {
  it('merges keys, replaces them, and removes those that are null', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await ada.ask(set, { data: { theme: 'dark', cart: { items: [1] }, n: 1.5, yes: true } });
    const { setPublicData } = await ada.ask(set, { data: { cart: { items: [2] }, n: null, none: null, z: 'ż🦄' } });
    const merged = { theme: 'dark', cart: { items: [2] }, yes: true, z: 'ż🦄' };
    expect(setPublicData.session.publicData).toEqual(merged);
    expect((await ada.ask(read)).currentSession.publicData).toEqual(merged);
  });

  it('starts an anonymous session for callers without one, in the requested transport', async () => {
    const api = await startApi();
    const browser = api.client();
    const { setPublicData: cookie } = await browser.ask(set, { data: { a: 1 } });
    expect(cookie).toMatchObject({ token: null, session: { publicData: { a: 1 } } });
    expect((await browser.ask(read)).currentSession.publicData).toEqual({ a: 1 });
    browser.antiCSRFToken = cookie.session.antiCSRFToken;
    await browser.ask(set, { data: { b: 2 } });
    expect((await browser.ask(read)).currentSession.publicData).toEqual({ a: 1, b: 2 });

    const program = api.client();
    const { setPublicData: bearer } = await program.ask(set, { data: { a: 1 }, transport: 'BEARER' });
    program.token = bearer.token;
    expect((await program.ask(read)).currentSession.publicData).toEqual({ a: 1 });
    expect(await api.database.session.count()).toBe(2);
  });

  it.each([
    ['a list', [1]],
    ['a text', 'x'],
    ['a number', 1],
    ['__proto__', JSON.parse('{"__proto__":{"isAdmin":true}}')],
    ['constructor', { a: { constructor: { prototype: { isAdmin: true } } } }],
    ['prototype in a list', { a: [{ prototype: 1 }] }],
    ['NUL', { a: 'b\u0000c' }],
    ['NUL in a key', { 'b\u0000c': 1 }],
    ['a lone surrogate', { a: ['\ud800'] }],
    ['a lone surrogate in a key', { '\udfff': 1 }],
    ['a key of the server', { role: 'admin' }],
    ['a number that cannot be kept', JSON.parse('{"a":[9007199254740993]}')],
    ['too many bytes', { a: 'ż'.repeat(8_190) }],
    ['too deep nesting', JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`)],
  ])('refuses %s, and changes nothing', async (_what, data) => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await ada.ask(set, { data: { kept: true } });
    expect((await ada.ask(set, { data })).setPublicData).toMatchObject({
      __typename: 'ValidationError',
      code: 'VALIDATION_FAILED',
      issues: [{ path: ['data'] }],
    });
    expect((await ada.ask(read)).currentSession.publicData).toEqual({ kept: true });
    expect((await api.client().ask(set, { data })).setPublicData.__typename).toBe('ValidationError');
    expect(await api.database.session.count()).toBe(1);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it('refuses a number that is too large for JavaScript', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const mutation = 'mutation { setPublicData(data: { n: 1e999 }) { ... on ValidationError { code } } }';
    expect((await ada.ask(mutation)).setPublicData).toEqual({ code: 'VALIDATION_FAILED' });
  });

  it('refuses dangerous keys in a literal of the document too', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const mutation = 'mutation { setPublicData(data: { __proto__: { x: 1 } }) { ... on ValidationError { code } } }';
    expect((await ada.ask(mutation)).setPublicData).toEqual({ code: 'VALIDATION_FAILED' });
  });

  it('refuses nesting so deep that it would overflow a stack', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const deep = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
    const response = await api.app.fetch(
      new Request(new URL('/graphql', api.config.publicUrl), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ada.token}` },
        body: `{"query":${JSON.stringify(set)},"variables":{"data":${deep}}}`,
      }),
    );
    expect(await response.json()).toMatchObject({ data: { setPublicData: { code: 'VALIDATION_FAILED' } } });
    expect(api.reported).toEqual([]);
  });

  it('limits all data to 16 KB, not each change', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const fill = (name: string) => ada.ask(set, { data: { [name]: 'x'.repeat(6_000) } });
    await fill('a');
    await fill('b');
    expect((await fill('c')).setPublicData.__typename).toBe('ValidationError');
    await ada.ask(set, { data: { a: null } });
    expect((await fill('c')).setPublicData.__typename).toBe('SessionDataPayload');
  });

  it('loses nothing of concurrent changes', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await Promise.all(Array.from({ length: 30 }, (_, n) => ada.ask(set, { data: { [`k${n}`]: n } })));
    const { publicData } = (await ada.ask(read)).currentSession;
    expect(publicData).toEqual(Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, n])));
  });

  it('reads text of another program that is no JSON object as no data, and replaces it', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    for (const text of ['not json', '[]', '"x"', 'null', '']) {
      await api.database.session.updateMany({ data: { publicData: text } });
      expect((await ada.ask(read)).currentSession.publicData, text).toBeNull();
    }
    await ada.ask(set, { data: { a: 1 } });
    expect((await ada.ask(read)).currentSession.publicData).toEqual({ a: 1 });
  });
});

describe('data selected many times in one operation', () => {
  /** 16 KB that a parser turns into 5,300 arrays. */
  const arrays = { a: Array.from({ length: 5_300 }, () => []) };

  it('is refused past 120 times, by lists, ids and aliases', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await ada.ask(set, { data: arrays });
    const { id } = (await ada.ask(read)).currentSession;
    const nodes = (times: number) => {
      const selections = Array.from({ length: times }, (_, n) => `a${n}: publicData`).join(' ');
      return `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Session { ${selections} } } }`;
    };
    const ids = Array.from({ length: 100 }, () => id);
    expect((await ada.ask(nodes(1), { ids })).nodes).toHaveLength(100);
    expect((await ada.send(nodes(2), { ids })).code).toBe('BAD_USER_INPUT');
    const aliases = (times: number, field: string) =>
      `{ currentSession { ${Array.from({ length: times }, (_, n) => `a${n}: ${field}`).join(' ')} } }`;
    expect(Object.keys((await ada.ask(aliases(119, 'publicData'))).currentSession)).toHaveLength(119);
    for (const field of ['publicData', 'privateData']) {
      expect((await ada.send(aliases(121, field))).code, field).toBe('BAD_USER_INPUT');
    }
    expect(await ada.ask('{ viewer { sessions { publicData } } }')).toHaveProperty('viewer.sessions.length', 1);
  });

  it('is parsed once', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await ada.ask(set, { data: arrays });
    const { id } = (await ada.ask(read)).currentSession;
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Session { publicData } } }';
    const { nodes } = await ada.ask(query, { ids: Array.from({ length: 100 }, () => id) });
    expect(nodes[99].publicData).toEqual(arrays);
    expect(parse.mock.calls.filter(([text]) => text === JSON.stringify(arrays))).toHaveLength(1);
  });
});

describe('private data', () => {
  it('is written and read by trusted services, with a key that the server stores as a hash only', async () => {
    const api = await startApi({ hashedServiceKeys: [hashToken('another key'), hashToken(key)] });
    const ada = await api.signUp('ada@example.com');
    const { id } = (await ada.ask(read)).currentSession;
    const { data } = await ada.send(setPrivate, { id, data: { plan: 'pro', n: 1 } }, service);
    expect(data.setPrivateData).toEqual({
      __typename: 'SessionDataPayload',
      session: { privateData: { plan: 'pro', n: 1 } },
    });
    await api.client().send(setPrivate, { id, data: { n: null } }, service);
    const seen = await ada.send('{ currentSession { privateData } }', {}, service);
    expect(seen.data.currentSession.privateData).toEqual({ plan: 'pro' });
  });

  it('is null for all other callers, including its own user and administrators, and FORBIDDEN to write', async () => {
    const api = await startApi({ hashedServiceKeys: [hashToken(key)] });
    const ada = await api.signUp('ada@example.com');
    await api.database.user.updateMany({ data: { role: 'admin' } });
    const { id } = (await ada.ask(read)).currentSession;
    await ada.send(setPrivate, { id, data: { plan: 'pro' } }, service);
    expect(await ada.ask('{ currentSession { id privateData } }')).toEqual({
      currentSession: { id, privateData: null },
    });
    const written = await ada.send(setPrivate, { id, data: { plan: 'free' } });
    expect(written).toMatchObject({ code: 'FORBIDDEN', data: { setPrivateData: null } });
    const seen = await ada.send('{ currentSession { privateData } }', {}, service);
    expect(seen.data.currentSession.privateData).toEqual({ plan: 'pro' });
  });

  it('is not answered to a wrong key, which fails the whole request', async () => {
    const api = await startApi({ hashedServiceKeys: [hashToken(key)] });
    const ada = await api.signUp('ada@example.com');
    for (const wrong of ['', 'x', `${key} `.repeat(2), hashToken(key), key.toUpperCase()]) {
      const answer = await ada.send('{ currentSession { id } }', {}, { 'x-service-key': wrong });
      expect(answer).toMatchObject({ status: 401, code: 'SERVICE_KEY_INVALID' });
      expect(answer.data).toBeUndefined();
    }
  });

  it('is not written in an unknown or ended session', async () => {
    const api = await startApi({ hashedServiceKeys: [hashToken(key)] });
    const ada = await api.signUp('ada@example.com');
    const { id } = (await ada.ask(read)).currentSession;
    await ada.ask('mutation { logout { revokedSessionId } }');
    for (const unknown of [id, 'nonsense', Buffer.from('Session:4711').toString('base64')]) {
      const { data } = await api.client().send(setPrivate, { id: unknown, data: {} }, service);
      expect(data.setPrivateData).toEqual({ __typename: 'SessionNotFoundError', code: 'SESSION_NOT_FOUND' });
    }
  });
});

describe('data of an ended session', () => {
  const fresh = 'another battery staple';

  it.each([
    'logout',
    'revoke',
    'revokeOthers',
    'revokeAll',
    'login',
    'changePassword',
    'resetPassword',
    'suspendUser',
    'revokeUserSessions',
    'the cap',
  ])('is deleted with it, and that of live ones stays: %s', async (act) => {
    const sessions = { idleTimeoutMs: 3_600_000, lifetimeMs: 86_400_000, maxPerUser: 4 };
    const api = await startApi({ sessions });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    await api.client().login('ada@example.com');
    await api.signUp('bob@example.com');
    const root = await api.signUpAdmin('root@example.com');
    const { viewer, currentSession } = await phone.ask('{ viewer { id } currentSession { id } }');
    const data = { publicData: '{"cart":[1]}', privateData: '{"risk":7}', antiCSRFToken: 'stored' };
    await api.database.session.updateMany({ data });
    const acts: Record<string, () => Promise<unknown>> = {
      revoke: () => ada.act('revoke', { id: currentSession.id }),
      login: () => ada.login('ada@example.com', 'BEARER'),
      changePassword: () => ada.act('changePassword', { currentPassword: password, newPassword: fresh }),
      resetPassword: async () => {
        await ada.act('requestPasswordReset', { email: 'ada@example.com' });
        const token = tokenIn(await deliverMail(api), 'reset-password');
        await api.client().act('resetPassword', { token, newPassword: fresh });
      },
      suspendUser: () => root.act('suspendUser', { id: viewer.id }),
      revokeUserSessions: () => root.act('revokeUserSessions', { id: viewer.id }),
      'the cap': async () => {
        for (let n = 0; n < 3; n += 1) await api.client().login('ada@example.com');
      },
    };
    await (acts[act] ?? (() => ada.act(act)))();
    const rows = await api.database.session.findMany({ where: { id: { lte: 5 } } });
    const over = rows.filter(({ hashedSessionToken }) => hashedSessionToken === null);
    expect(over.length).toBeGreaterThan(0);
    const nothing = { publicData: null, privateData: null, antiCSRFToken: null };
    for (const row of over) expect(row).toMatchObject(nothing);
    const live = rows.filter(({ hashedSessionToken }) => hashedSessionToken !== null);
    expect(live.length).toBeGreaterThan(1);
    for (const { publicData, privateData } of live) {
      expect({ publicData, privateData }).toEqual({ publicData: data.publicData, privateData: data.privateData });
    }
  });
});
