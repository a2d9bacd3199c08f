import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { hashToken } from '../../src/tokens/token.ts';
import { type Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { pausingOnceRead } from '../support/pausing.ts';

/** Users and sessions as Blitz.js wrote them, with the cookies of the sessions. */
const fixture: Data = JSON.parse(await readFile('test/fixtures/blitz/fixture.json', 'utf8'));

const on = { blitz: { cookiePrefixes: ['blitz'], secret: 'default-dev-secret' } };
const day = 86_400_000;
const me = '{ viewer { email } currentSession { handle publicData } }';

/** Starts a server on the adopted fixture. */
async function startAdopted(settings: Settings = on): Promise<TestApi> {
  const api = await startApi(settings);
  const expiresAt = new Date(api.clock.now.getTime() + 30 * day);
  await api.database.user.createMany({
    data: fixture.users.map(({ id, email, name, role, hashedPassword }: Data) => ({
      id,
      email,
      name,
      role,
      hashedPassword,
    })),
  });
  const isDeleted = ({ userId }: Data) => userId === 6;
  await api.database.session.createMany({
    data: fixture.sessions.map(({ label, row }: Data) => ({
      ...row,
      userId: isDeleted(row) ? null : row.userId,
      expiresAt: label === 'alice-expired' ? api.clock.now : expiresAt,
    })),
  });
  await api.database.user.delete({ where: { id: 6 } });
  return api;
}

function sessionOf(label: string): Data {
  return fixture.sessions.find((session: Data) => session.label.startsWith(label));
}

/** A browser with the cookies of a session, and the header that its page sends. */
function browserOf(api: TestApi, label: string): Client {
  const { cookies, antiCsrf } = sessionOf(label);
  const client = api.client();
  client.cookie = Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
  client.antiCSRFToken = antiCsrf;
  return client;
}

describe('session that Blitz.js started', () => {
  it.each([
    ['alice-laptop', 'alice@example.com'],
    ['alice-phone', 'alice@example.com'],
    ['admin', 'admin@example.com'],
    ['mixed-case', 'Mixed.Case@Example.com'],
    ['alice-roles-changed', 'alice@example.com'],
  ])('stays valid: %s', async (label, email) => {
    const api = await startAdopted();
    const browser = browserOf(api, label);
    const { viewer, currentSession } = await browser.ask(me);
    expect(viewer).toEqual({ email });
    expect(currentSession.handle).toBe(sessionOf(label).row.handle);
    // From then on by a cookie of ours, which the first answer has set.
    expect(browser.cookie).toMatch(/^session=/);
    expect((await browser.ask(me)).viewer).toEqual({ email });
    expect((await browser.ask('mutation { logout { revokedSessionId } }')).logout.revokedSessionId).not.toBeNull();
    expect((await browserOf(api, label).ask(me)).viewer).toBeNull();
  });

  it.each(['alice-expired', 'orphan'])('is no session if it has ended or its user was deleted: %s', async (label) => {
    const api = await startAdopted();
    const browser = browserOf(api, label);
    expect(await browser.ask(me)).toEqual({ viewer: null, currentSession: null });
    expect(browser.cookie).toBe(browserOf(api, label).cookie);
  });

  it('is changed by its own pages only, as any other', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'alice-phone');
    browser.antiCSRFToken = null;
    expect((await browser.send('mutation { revokeAll { revokedSessionIds } }')).code).toBe('CSRF_TOKEN_INVALID');
    browser.antiCSRFToken = sessionOf('admin').antiCsrf;
    expect((await browser.send('mutation { revokeAll { revokedSessionIds } }')).code).toBe('CSRF_TOKEN_INVALID');
    browser.antiCSRFToken = sessionOf('alice-phone').antiCsrf;
    const { revokeAll } = await browser.ask('mutation { revokeAll { revokedSessionIds } }');
    expect(revokeAll.revokedSessionIds).toHaveLength(3);
  });

  it('is opened by its whole token only', async () => {
    const api = await startAdopted();
    const token = decodeURIComponent(sessionOf('alice-phone').cookies.sSessionToken);
    const [handle] = Buffer.from(token, 'base64').toString().split(';');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const forged = [
      '',
      '%',
      `${handle}`,
      base64(`${handle};x;y;v0`),
      base64(`${handle};;;v0`),
      token.replace(/^./, 'c'),
    ];
    for (const value of forged) {
      const browser = api.client();
      browser.cookie = `sSessionToken=${value.includes('%') ? value : encodeURIComponent(value)}`;
      expect((await browser.ask(me)).viewer, value).toBeNull();
    }
    expect(api.reported).toEqual([]);
  });

  it('is not looked up by a handle that Blitz.js never makes', async () => {
    const api = await startAdopted();
    api.statements.length = 0;
    for (const handle of ['\u0000:ots', 'a b:ots', 'é:ots', ':ots', '\n:ots']) {
      const token = Buffer.from(`${handle};random;hash;v0`).toString('base64');
      const client = Object.assign(api.client(), { token });
      expect((await client.ask('{ currentSession { id } }')).currentSession).toBeNull();
    }
    expect(api.statements).toEqual([]);
  });

  it('is no session if the feature is off, or its prefix is another one', async () => {
    const off = await startAdopted({ blitz: null });
    expect((await browserOf(off, 'alice-phone').ask(me)).viewer).toBeNull();
    const other = await startAdopted({ blitz: { cookiePrefixes: ['shop'], secret: null } });
    expect((await browserOf(other, 'mixed-case').ask(me)).viewer).toBeNull();
    const bearer = off.client();
    bearer.token = decodeURIComponent(sessionOf('alice-phone').cookies.sSessionToken);
    expect((await bearer.ask(me)).viewer).toBeNull();
  });

  it.each(['alice-phone', 'mixed-case'])('has no effect on a server without such sessions: %s', async (label) => {
    const api = await startAdopted({});
    expect(api.legacySessions).toBeNull();
    const browser = browserOf(api, label);
    const token = Object.entries<string>(sessionOf(label).cookies).find(([name]) =>
      name.endsWith('sSessionToken'),
    )?.[1];
    const before = await api.database.session.findMany();
    const answer = await browser.send(me);
    expect(answer.data).toEqual({ viewer: null, currentSession: null });
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await browser.ask('mutation { logout { revokedSessionId } }')).logout.revokedSessionId).toBeNull();
    expect(browser.cookie).toBe(browserOf(api, label).cookie);
    // Nor is a copy of the token in our cookie, which is cleared as any that opens nothing.
    const copied = Object.assign(api.client(), { cookie: `session=${token}` });
    expect(await copied.ask(me)).toEqual({ viewer: null, currentSession: null });
    expect(copied.cookie).toBeNull();
    expect(await api.database.session.findMany()).toEqual(before);
  });

  it('leaves the browser when its user logs out', async () => {
    const api = await startAdopted();
    for (const label of ['alice-phone', 'mixed-case']) {
      const browser = browserOf(api, label);
      browser.cookie += '; shop=1';
      await browser.ask('mutation { logout { revokedSessionId } }');
      expect(browser.cookie).toBe('shop=1');
    }
  });

  it('is found beside an ended one of an older generation', async () => {
    const api = await startAdopted();
    const over = browserOf(api, 'alice-expired').cookie;
    const browser = browserOf(api, 'mixed-case');
    browser.cookie = `${over}; ${browser.cookie}`;
    expect((await browser.ask(me)).viewer).toEqual({ email: 'Mixed.Case@Example.com' });
    const twice = browserOf(api, 'alice-phone');
    twice.cookie = `${over}; ${twice.cookie}`;
    expect((await twice.ask(me)).viewer).toEqual({ email: 'alice@example.com' });
  });

  it('is no session if two cookies have its name, because one was planted', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'alice-phone');
    browser.cookie += `; ${browserOf(api, 'admin').cookie}`;
    const { cookie } = browser;
    expect(await browser.ask(me)).toEqual({ viewer: null, currentSession: null });
    expect(browser.cookie).toBe(cookie);
  });

  it('is that of the last login in the old application', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'alice-phone');
    expect((await browser.ask(me)).viewer).toEqual({ email: 'alice@example.com' });
    const [ours = ''] = browser.cookie?.split('; ') ?? [];
    // In the old application, alice has logged out, and another user has logged in.
    browser.cookie = `${ours}; ${browserOf(api, 'admin').cookie}`;
    expect((await browser.ask(me)).viewer).toEqual({ email: 'admin@example.com' });
    // The same where our copy is of a session that is over.
    await browserOf(api, 'alice-phone').ask('mutation { logout { revokedSessionId } }');
    browser.cookie = `${ours}; ${browserOf(api, 'admin').cookie}`;
    expect((await browser.ask(me)).viewer).toEqual({ email: 'admin@example.com' });
  });

  it.each(['reauthenticate', 'changePassword'])('gets a token and a handle of ours by %s', async (act) => {
    const api = await startAdopted();
    const browser = browserOf(api, 'alice-phone');
    await browser.ask(me);
    const { row, cookies } = sessionOf('alice-phone');
    const [ours = ''] = browser.cookie?.split('; ') ?? [];
    const old = [
      // Our copy of the token, as a late request has it; the cookies of Blitz.js; and both.
      Object.assign(api.client(), { cookie: ours }),
      browserOf(api, 'alice-phone'),
      Object.assign(browserOf(api, 'alice-phone'), { cookie: browser.cookie }),
    ];
    const secret = 'alice-password-1';
    const variables =
      act === 'reauthenticate' ? { password: secret } : { currentPassword: secret, newPassword: 'alice chose it anew' };
    expect((await browser.act(act, variables)).__typename).toMatch(/Payload$/);
    const rotated = await api.database.session.findFirstOrThrow({ where: { replacedHashedToken: { not: null } } });
    expect(rotated).toMatchObject({ transport: 'COOKIE', antiCSRFToken: null });
    expect(rotated.handle).toMatch(/^[0-9a-f]{32}$/);
    // The old application does not know it any more.
    expect(await api.database.session.findUnique({ where: { handle: row.handle } })).toBeNull();
    expect(browser.cookie).toContain(`session=gqs_${rotated.handle}.`);
    expect(browser.cookie).toContain(`sSessionToken=${cookies.sSessionToken}`);
    const { viewer, currentSession } = await browser.ask(me);
    expect([viewer.email, currentSession.handle]).toEqual(['alice@example.com', rotated.handle]);
    const { auditEvents } = (
      await browser.ask('{ viewer { auditEvents(first: 20) { nodes { sessionHandle type } } } }')
    ).viewer;
    const type = act === 'reauthenticate' ? 'REAUTHENTICATED' : 'PASSWORD_CHANGED';
    expect(auditEvents.nodes).toContainEqual({ type, sessionHandle: rotated.handle });

    for (const client of old) {
      const { cookie } = client;
      for (let time = 0; time < 2; time += 1) {
        expect(await client.send(me)).toMatchObject({ status: 409, code: 'SESSION_TOKEN_REPLACED' });
      }
      expect(client.cookie).toBe(cookie);
    }
    api.clock.now = new Date(api.clock.now.getTime() + 10_000);
    for (const client of old) {
      const { cookie } = client;
      expect(await client.ask(me)).toEqual({ viewer: null, currentSession: null });
      expect(client.cookie).toBe(cookie);
    }
    expect(
      (await browser.act('reauthenticate', { password: String(Object.values(variables).at(-1)) })).__typename,
    ).toBe('ReauthenticatePayload');
    expect((await api.database.session.findUnique({ where: { id: rotated.id } }))?.handle).toBe(rotated.handle);
    for (const client of old) {
      const { cookie } = client;
      expect(await client.ask(me)).toEqual({ viewer: null, currentSession: null });
      expect(client.cookie).toBe(cookie);
    }
    expect((await browser.ask('mutation { logout { revokedSessionId } }')).logout.revokedSessionId).not.toBeNull();
    expect(browser.cookie).toBeNull();
  });

  it('does not send its cookie after the one that replaced it', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'alice-phone');
    await browser.ask(me);
    const pausing = pausingOnceRead(api);
    pausing.client.cookie = browserOf(api, 'alice-phone').cookie;
    const answer = pausing.client.send(me);
    await pausing.reached;
    await browser.act('reauthenticate', { password: 'alice-password-1' });
    pausing.resume();
    expect((await answer).data.viewer).toEqual({ email: 'alice@example.com' });
    expect((await answer).headers.getSetCookie()).toEqual([]);
  });

  it('moves to a cookie with a domain, also from our own cookie without one', async () => {
    const publicUrl = new URL('https://accounts.example.com');
    const api = await startAdopted({ ...on, publicUrl, cookieDomain: 'example.com' });
    const { cookie } = browserOf(api, 'alice-phone');
    const token = sessionOf('alice-phone').cookies.sSessionToken;
    const ours = `__Host-session=${decodeURIComponent(token)}`;
    for (const sent of [cookie ?? '', `${ours}; ${cookie}`, ours]) {
      const { data, headers } = await api.client().send(me, {}, { cookie: sent });
      expect(data.viewer).toEqual({ email: 'alice@example.com' });
      const moved = headers.getSetCookie();
      expect(moved.at(-1)).toMatch(/^__Secure-session=.+; Domain=example\.com;/);
      expect(moved.slice(0, -1).map((line) => line.split(';')[0])).toEqual(
        sent.startsWith('__Host-') ? ['__Host-session='] : [],
      );
    }
    // The old application has signed in another user since.
    const { cookies } = sessionOf('admin');
    const sent = `${ours}; sSessionToken=${cookies.sSessionToken}`;
    const { data } = await api.client().send(me, {}, { cookie: sent });
    expect(data.viewer).toEqual({ email: 'admin@example.com' });
  });

  it('stays valid after the old application replaced its token', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'alice-phone');
    await browser.ask(me);
    const [ours = ''] = browser.cookie?.split('; ') ?? [];
    const [handle] = Buffer.from(decodeURIComponent(ours.slice('session='.length)), 'base64')
      .toString()
      .split(';');
    const token = Buffer.from(`${handle};another;hash;v0`).toString('base64');
    await api.database.session.updateMany({
      where: { handle: `${handle}` },
      data: { hashedSessionToken: hashToken(token) },
    });
    browser.cookie = `${ours}; sSessionToken=${encodeURIComponent(token)}`;
    for (let time = 0; time < 2; time += 1) {
      expect((await browser.ask(me)).viewer).toEqual({ email: 'alice@example.com' });
    }
  });

  it('is found if the session that was started here has ended', async () => {
    const api = await startAdopted();
    const browser = await api.signUp('bob@example.com');
    const where = { user: { email: 'bob@example.com' } };
    await api.database.session.updateMany({ where, data: { expiresAt: api.clock.now } });
    browser.cookie = `${browser.cookie}; ${browserOf(api, 'alice-phone').cookie}`;
    expect((await browser.ask(me)).viewer).toEqual({ email: 'alice@example.com' });
  });

  it('yields to our own cookie', async () => {
    const api = await startAdopted();
    const browser = await api.signUp('bob@example.com');
    browser.cookie = `${browser.cookie}; ${browserOf(api, 'alice-phone').cookie}`;
    expect((await browser.ask(me)).viewer).toEqual({ email: 'bob@example.com' });
  });
});

describe('data of a Blitz.js visitor', () => {
  const login = `mutation { login(email: "admin@example.com", password: "admin-password-1") {
    ... on SignInPayload { session { id publicData } } ... on UserError { code } } }`;

  const privateDataOf = async (api: TestApi) => {
    const session = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
    return session.privateData;
  };

  it('moves to the session of the user who logs in', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'modern-anonymous');
    expect(await browser.ask(me)).toEqual({ viewer: null, currentSession: null });
    expect((await browser.ask(login)).login.session).toBeDefined();
    expect(await privateDataOf(api)).toBe('{"cart":[1,2]}');
  });

  it('belongs to that user from then on, and not to the next user of the browser', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'modern-anonymous');
    const { cookie } = browser;
    await browser.ask(login);
    expect(browser.cookie).toMatch(/^session=/);
    expect(browser.cookie).not.toContain('sAnonymousSessionToken');
    const { privateData } = await api.database.session.findUniqueOrThrow({
      where: { handle: sessionOf('modern-anonymous').row.handle },
    });
    expect(privateData).toBeNull();
    const again = api.client();
    again.cookie = cookie;
    await again.ask(login);
    expect(await privateDataOf(api)).toBeNull();
  });

  it('is added to the data that the visitor stored here since', async () => {
    const api = await startAdopted();
    const browser = browserOf(api, 'modern-anonymous');
    const { setPublicData } = await browser.ask(
      'mutation { setPublicData(data: { theme: "dark" }) { ... on SessionDataPayload { session { antiCSRFToken } } } }',
    );
    browser.antiCSRFToken = setPublicData.session.antiCSRFToken;
    const { session } = (await browser.ask(login)).login;
    expect(session.publicData).toMatchObject({ theme: 'dark' });
    expect(await privateDataOf(api)).toBe('{"cart":[1,2]}');
  });

  it('is not used without a valid signature or a configured secret', async () => {
    for (const secret of ['another secret', null]) {
      const api = await startAdopted({ blitz: { cookiePrefixes: ['blitz'], secret } });
      expect((await browserOf(api, 'modern-anonymous').ask(login)).login.session).toBeDefined();
      expect(await privateDataOf(api)).toBeNull();
    }
  });

  it('is not used, and its cookie stays, on a server without such sessions', async () => {
    const api = await startAdopted({});
    const browser = browserOf(api, 'modern-anonymous');
    const { cookie } = browser;
    expect((await browser.ask(login)).login.session).toBeDefined();
    expect(browser.cookie).toMatch(/^session=/);
    expect(browser.cookie?.endsWith(`; ${cookie}`)).toBe(true);
    expect(await privateDataOf(api)).toBeNull();
    const row = await api.database.session.findUniqueOrThrow({
      where: { handle: sessionOf('modern-anonymous').row.handle },
    });
    expect(row.privateData).toBe('{"cart":[1,2]}');
  });

  it('is taken only from a row without a user', async () => {
    const api = await startAdopted();
    const { id } = await api.database.user.findFirstOrThrow({ where: { email: 'alice@example.com' } });
    await api.database.session.updateMany({
      where: { handle: sessionOf('modern-anonymous').row.handle },
      data: { userId: id },
    });
    expect((await browserOf(api, 'modern-anonymous').ask(login)).login.session).toBeDefined();
    expect(await privateDataOf(api)).toBeNull();
  });
});

describe('passwords of a Blitz.js application', () => {
  it('stay valid', async () => {
    const api = await startAdopted();
    for (const { email, password: secret, id } of fixture.users) {
      // The deleted one, the one stored as it was typed, and the address that is not in lower case: see the adoption.
      if (id === 6 || id === 4 || id === 3) continue;
      expect(await api.client().login(email, 'BEARER', secret), email).toMatchObject({ __typename: 'SignInPayload' });
      expect(await api.client().login(email, 'BEARER', password), email).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
  });
});
