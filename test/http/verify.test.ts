import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { pathOf } from '../../src/http/request/path.ts';
import { listen } from '../../src/http/server.ts';
import { password, startApi, type TestApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { type OAuthAnswer, toAnswer } from '../support/oauth.ts';
import { sendRaw } from '../support/raw.ts';

const hour = 3_600_000;
const loginPage = {
  url: new URL('https://app.example.com/login?lang=en'),
  returnOrigins: new Set(['https://shop.example.com']),
};

/** The request of a proxy, with the headers of the client and those that describe the original request. */
async function ask(
  api: TestApi,
  headers: Record<string, string>,
  path = '/auth/verify',
  { method = 'GET', proxy = '10.0.0.1' } = {},
) {
  return toAnswer(await api.app.fetch(new Request(new URL(path, api.config.publicUrl), { method, headers }), proxy));
}

function codeOf({ body }: OAuthAnswer): string {
  return body.errors[0].extensions.code;
}

async function setUp(settings: Parameters<typeof startApi>[0] = {}) {
  const api = await startApi(settings);
  const [ada, bob] = [await api.signUp('ada@example.com', 'COOKIE'), await api.signUp('bob@example.com', 'BEARER')];
  const cookie = { cookie: ada.cookie ?? '' };
  const bearer = { authorization: `Bearer ${bob.token}` };
  const session = await api.database.session.findFirstOrThrow({ include: { user: true } });
  return { api, ada, cookie, bearer, session };
}

describe('forward authentication', () => {
  it.each(['GET', 'POST', 'DELETE', 'PROPFIND'])('answers %s with the identity in headers', async (method) => {
    const { api, cookie, session } = await setUp();
    const { status, headers, body } = await ask(api, cookie, '/auth/verify', { method });
    expect([status, body]).toEqual([200, '']);
    const identity = [...headers].filter(([name]) => name.startsWith('x-auth-'));
    expect(Object.fromEntries(identity)).toEqual({
      'x-auth-user-id': toNodeId('User', session.userId ?? 0n),
      'x-auth-session-id': session.handle,
      'x-auth-role': 'user',
      'x-auth-email': 'ada@example.com',
      'x-auth-email-verified': 'false',
      'x-auth-time': String(Math.floor((session.authenticatedAt?.getTime() ?? 0) / 1_000)),
      'x-auth-methods': 'pwd',
    });
    expect([headers.get('cache-control'), headers.get('set-cookie')]).toEqual(['no-store', null]);
  });

  it('accepts bearer tokens, and refuses everybody else with 401', async () => {
    const { api, ada, cookie, bearer } = await setUp();
    expect((await ask(api, bearer)).headers.get('x-auth-email')).toBe('bob@example.com');
    await ada.ask('mutation { logout { revokedSessionId } }');
    for (const headers of [{}, cookie, { authorization: 'Bearer x' }, { authorization: `Basic ${btoa('a:b')}` }]) {
      const { status, headers: answered, body } = await ask(api, headers);
      expect([status, answered.get('www-authenticate')]).toEqual([401, 'Bearer realm="graphql-sessions"']);
      expect(body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
      expect([...answered.keys()].filter((name) => name.startsWith('x-auth-'))).toEqual([]);
    }
  });

  it('lets visitors pass with anonymous=allow, with the session of an anonymous one', async () => {
    const { api, bearer } = await setUp();
    const { status, headers } = await ask(api, {}, '/auth/verify?anonymous=allow');
    expect([status, headers.get('x-auth-user-id'), headers.get('x-auth-session-id')]).toEqual([200, null, null]);
    const { session, token } = (
      await api.client().ask('mutation { startSession(transport: BEARER) { token session { handle } } }')
    ).startSession;
    const visitor = { authorization: `Bearer ${token}` };
    const known = await ask(api, visitor, '/auth/verify?anonymous=allow');
    expect(known.headers.get('x-auth-session-id')).toBe(session.handle);
    expect(known.headers.get('x-auth-user-id')).toBeNull();
    expect((await ask(api, visitor)).status).toBe(401);
    expect((await ask(api, bearer, '/auth/verify?anonymous=allow')).headers.get('x-auth-role')).toBe('user');
  });

  it('takes no parameters from a path that the proxy has appended', async () => {
    const { api, cookie } = await setUp();
    for (const path of [
      '/auth/verify/',
      '/auth/verify/a/b',
      '/auth/verify//x?anonymous=allow&more=1',
      '/auth/verify/?anonymous=allow',
    ]) {
      expect([path, (await ask(api, {}, path)).status]).toEqual([path, 401]);
      expect([path, (await ask(api, cookie, path)).status]).toEqual([path, 200]);
    }
  });

  it('does not resolve an appended path, which would lead to another route', async () => {
    const { api } = await setUp();
    const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
    for (const tail of [
      '../../health',
      '%2e%2e/%2e%2e/health',
      './../../graphql?query={__typename}',
      '..;/../../ready',
    ]) {
      const answer = await sendRaw(
        port,
        `GET /auth/verify/${tail} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect([tail, answer.split('\r\n')[0]]).toEqual([tail, 'HTTP/1.1 401 Unauthorized']);
    }
    expect(pathOf('/auth/verify/../../health?x')).toBe('/auth/verify/../../health');
    expect(pathOf('/auth/verify\\..\\..\\health')).toBe('/auth/verify\\..\\..\\health');
    await stop();
  });

  it.each(['/auth/verify', '/auth/hasura'])('reads the target of %s as a path, never as a host', async (path) => {
    const { api } = await setUp();
    const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
    for (const target of [`/\\:99999/../..${path}`, `//[/../..${path}`]) {
      const answer = await sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect([target, answer.split(' ')[1]]).toEqual([target, '401']);
    }
    expect(api.reported).toEqual([]);
    await stop();
  });

  it('refuses parameters that it does not know with 400', async () => {
    const { api, cookie } = await setUp();
    for (const query of ['anonymous=yes', 'anonymus=allow', 'signed-out=', 'x']) {
      expect([query, (await ask(api, cookie, `/auth/verify?${query}`)).status]).toEqual([query, 400]);
    }
  });

  it('gives no verdict while the database does not answer, or while a token is being replaced', async () => {
    const { api, ada, cookie } = await setUp();
    const before = { ...cookie };
    await ada.act('reauthenticate', { password });
    const replaced = await ask(api, before);
    expect([replaced.status, replaced.headers.get('retry-after')]).toEqual([503, '1']);
    expect(codeOf(replaced)).toBe('SESSION_TOKEN_REPLACED');
    Object.assign(api.database, {
      $findSession: () => Promise.reject(Object.assign(new Error('down'), { code: 'P1001' })),
    });
    const failed = await ask(api, { cookie: ada.cookie ?? '' });
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '1']);
    expect(codeOf(failed)).toBe('SERVICE_UNAVAILABLE');
    expect(api.reported).toEqual([]);
  });

  it('ignores a service key of the client', async () => {
    const { api, cookie } = await setUp();
    expect((await ask(api, { ...cookie, 'x-service-key': 'x' })).status).toBe(200);
  });

  it('leaves out values that a header cannot carry', async () => {
    const { api, cookie } = await setUp();
    await api.database.user.updateMany({
      where: { email: 'ada@example.com' },
      data: { email: 'zoë@example.com', role: 'röle\r\nx-auth-role: admin' },
    });
    const { status, headers } = await ask(api, cookie);
    expect([status, headers.get('x-auth-email'), headers.get('x-auth-role')]).toEqual([200, null, null]);
    expect(headers.get('x-auth-user-id')).not.toBeNull();
  });
});

describe('an access token from forward authentication', () => {
  const settings = () => ({
    encryptionKeys: encryptionKeysOf(),
    accessTokens: { audiences: new Set(['https://api.example.com']), lifetimeMs: 60_000 },
  });
  const path = `/auth/verify?audience=${encodeURIComponent('https://api.example.com')}`;

  it('is in the Authorization header of the answer, for signed-in users', async () => {
    const { api, cookie, session } = await setUp(settings());
    const { headers } = await ask(api, cookie, path);
    const [, token = ''] = headers.get('authorization')?.split(' ') ?? [];
    expect(decodeJwt(token)).toMatchObject({ aud: 'https://api.example.com', sid: session.handle, role: 'user' });
    const visitor = await ask(api, {}, `${path}&anonymous=allow`);
    expect([visitor.status, visitor.headers.get('authorization')]).toEqual([200, null]);
  });

  it('is refused for an audience that the operator does not allow', async () => {
    const { api, cookie } = await setUp(settings());
    expect((await ask(api, cookie, '/auth/verify?audience=other')).status).toBe(400);
    const off = await setUp();
    expect((await ask(off.api, off.cookie, path)).status).toBe(400);
  });
});

describe('use of a session by forward authentication', () => {
  async function afterHours(
    settings: Parameters<typeof startApi>[0],
    headers: Record<string, string>,
    proxy = '10.0.0.1',
  ) {
    const { api, cookie, session } = await setUp(settings);
    api.clock.now = new Date(api.clock.now.getTime() + 20 * hour);
    const answer = await ask(api, { ...cookie, ...headers }, '/auth/verify', { proxy });
    const { id } = session;
    return { answer, session, after: await api.database.session.findUniqueOrThrow({ where: { id } }) };
  }

  const browser = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Firefox/150.0', 'sec-fetch-site': 'none' };

  // A socket that listens on all addresses shows those of IPv4 in the second form.
  it.each(['10.0.0.1', '::ffff:10.0.0.1', 'FE80::1%eth0'])(
    'renews it, sets no cookie, and leaves the device if the proxy %s may not tell the address',
    async (proxy) => {
      const { answer, session, after } = await afterHours({}, { ...browser, 'x-forwarded-for': '198.51.100.7' }, proxy);
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(after.expiresAt > session.expiresAt).toBe(true);
      expect([after.userAgent, after.ipAddress]).toEqual([session.userAgent, session.ipAddress]);
    },
  );

  it('records the device of the client behind a trusted proxy', async () => {
    const { readConfig } = await import('../../src/config/config.ts');
    const { trustedProxies } = readConfig({ TRUSTED_PROXIES: '10.0.0.0/8' });
    const { after } = await afterHours({ trustedProxies }, { ...browser, 'x-forwarded-for': '198.51.100.7' });
    expect([after.userAgent, after.ipAddress]).toEqual([browser['user-agent'], '198.51.100.7']);
  });
});

describe('protection of applications against request forgery', () => {
  const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
  const app = { 'x-forwarded-host': 'app.example.com', 'x-forwarded-proto': 'http' };
  const webSocket = { 'x-forwarded-method': 'GET', 'sec-websocket-version': '13' };
  const cases: [string, Record<string, string>, number][] = [
    [
      'an unsafe request of the application’s own page',
      { 'x-forwarded-method': 'POST', 'sec-fetch-site': 'same-origin' },
      200,
    ],
    ['one without browser headers', { 'x-forwarded-method': 'POST' }, 200],
    [
      'one of the page by an old browser',
      { ...app, 'x-forwarded-method': 'POST', origin: 'http://app.example.com' },
      200,
    ],
    [
      'one of an allowed origin',
      { 'x-forwarded-method': 'POST', 'sec-fetch-site': 'same-site', origin: 'https://shop.example.com' },
      200,
    ],
    ['one of a foreign page', { 'x-forwarded-method': 'POST', ...foreign }, 403],
    ['one of a foreign page, told by nginx', { 'x-original-method': 'DELETE', ...foreign }, 403],
    [
      'one of a foreign page by an old browser',
      { ...app, 'x-forwarded-method': 'POST', origin: 'https://evil.example' },
      403,
    ],
    ['one of a page without an origin', { 'x-forwarded-method': 'POST', origin: 'null' }, 403],
    [
      'one of a sibling site',
      { 'x-forwarded-method': 'PUT', 'sec-fetch-site': 'same-site', origin: 'https://evil.example.com' },
      403,
    ],
    ['a link from a foreign page', { 'x-forwarded-method': 'GET', 'sec-fetch-site': 'cross-site' }, 200],
    ['a request with an unknown method and a foreign origin', foreign, 403],
    ['a WebSocket of a sibling site', { ...app, ...webSocket, origin: 'http://evil.example.com' }, 403],
    ['a WebSocket of the application’s own page', { ...app, ...webSocket, origin: 'http://app.example.com' }, 200],
    ['a WebSocket of a program', { ...app, ...webSocket }, 200],
    ['a link with an unknown method', { 'sec-fetch-site': 'cross-site' }, 200],
  ];

  it.each(cases)('judges %s', async (_, headers, expected) => {
    const { api, cookie } = await setUp({ allowedOrigins: new Set(['https://shop.example.com']) });
    const { status } = await ask(api, { ...cookie, ...headers });
    expect(status).toBe(expected);
  });

  it('judges the method of the proxy’s own request, as Envoy sends it', async () => {
    const { api, cookie } = await setUp();
    expect((await ask(api, { ...cookie, ...foreign }, '/auth/verify/x', { method: 'POST' })).status).toBe(403);
  });

  it('believes no safe method beside an unsafe one, which a client may have added', async () => {
    const { api, cookie } = await setUp();
    const [forwarded, original] = ['x-forwarded-method', 'x-original-method'];
    for (const [method, added] of [
      ['GET', { [forwarded]: 'GET', [original]: 'POST' }],
      ['GET', { [forwarded]: 'POST', [original]: 'GET' }],
      ['POST', { [forwarded]: 'GET', [original]: 'GET' }],
    ] as const) {
      expect((await ask(api, { ...cookie, ...foreign, ...added }, '/auth/verify', { method })).status).toBe(403);
    }
  });

  it('does not apply to bearer tokens, which no page can send for another', async () => {
    const { api, bearer } = await setUp();
    expect((await ask(api, { ...bearer, 'x-forwarded-method': 'POST', ...foreign })).status).toBe(200);
  });
});

describe('redirect of page visits to the login page', () => {
  const page = {
    accept: 'text/html,*/*',
    'x-forwarded-method': 'GET',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example.com',
  };
  const path = '/auth/verify?signed-out=redirect';

  it.each([
    ['an allowed page', { ...page, 'x-forwarded-uri': '/cart?n=1&x=%2F' }, 'https://shop.example.com/cart?n=1&x=%2F'],
    [
      'an allowed page, told by nginx',
      { accept: 'text/html', 'x-original-url': 'https://shop.example.com/a' },
      'https://shop.example.com/a',
    ],
    ['a page of another origin', { ...page, 'x-forwarded-host': 'evil.example', 'x-forwarded-uri': '/' }, null],
    ['a page of another scheme', { ...page, 'x-forwarded-proto': 'http', 'x-forwarded-uri': '/' }, null],
    [
      'an address with a user',
      { accept: 'text/html', 'x-original-url': 'https://shop.example.com@evil.example/' },
      null,
    ],
    ['no address', { accept: 'text/html' }, null],
  ] satisfies [string, Record<string, string>, string | null][])('returns to %s', async (_, headers, expected) => {
    const { api } = await setUp({ loginPage });
    const answer = await ask(api, headers, path);
    expect(answer.status).toBe(302);
    const location = new URL(answer.headers.get('location') ?? '');
    expect([location.origin, location.pathname, location.searchParams.get('lang')]).toEqual([
      'https://app.example.com',
      '/login',
      'en',
    ]);
    expect(location.searchParams.get('return_to')).toBe(expected);
  });

  it.each([
    ['a script', { accept: 'text/html', 'sec-fetch-mode': 'cors' }],
    ['a program', { accept: '*/*' }],
    ['a form', { accept: 'text/html', 'x-forwarded-method': 'POST' }],
  ] satisfies [string, Record<string, string>][])('is not for %s, which gets 401', async (_, headers) => {
    const { api } = await setUp({ loginPage });
    expect((await ask(api, headers, path)).status).toBe(401);
  });

  it('needs LOGIN_URL and the parameter', async () => {
    const { api } = await setUp();
    const { status, body } = await ask(api, page, path);
    expect([status, body.errors[0].message]).toEqual([401, expect.stringContaining('LOGIN_URL')]);
    const other = await setUp({ loginPage });
    expect((await ask(other.api, page)).status).toBe(401);
  });
});

describe('the webhook of Hasura', () => {
  async function hook(api: TestApi, headers: unknown, query = '') {
    const url = new URL(`/auth/hasura${query}`, api.config.publicUrl);
    const body = JSON.stringify({ headers, request: { query: '{ x }' } });
    return toAnswer(await api.app.fetch(new Request(url, { method: 'POST', body }), '10.0.0.1'));
  }

  it('answers with the variables of the session and its expiry, by GET and POST', async () => {
    const { api, cookie, session } = await setUp();
    const expected = {
      'X-Hasura-User-Id': toNodeId('User', session.userId ?? 0n),
      'X-Hasura-Role': 'user',
      'X-Hasura-Session-Id': session.handle,
      Expires: session.expiresAt.toUTCString(),
    };
    expect(await ask(api, cookie, '/auth/hasura')).toMatchObject({ status: 200, body: expected });
    expect(await hook(api, { Cookie: cookie.cookie })).toMatchObject({ status: 200, body: expected });
  });

  it('refuses strangers with 401, and gives them a role if the operator names one', async () => {
    const { api } = await setUp();
    const { status, headers } = await hook(api, {});
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="graphql-sessions"']);
    expect(await hook(api, {}, '?anonymous=visitor')).toMatchObject({
      status: 200,
      body: { 'X-Hasura-Role': 'visitor' },
    });
    expect((await hook(api, {}, '?anonymous=a%20b')).status).toBe(400);
  });

  it('denies a forged request with 401, the only status that Hasura takes for a refusal', async () => {
    const { api, cookie, bearer } = await setUp();
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect((await hook(api, { Cookie: cookie.cookie, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(401);
    expect((await ask(api, { ...cookie, ...foreign }, '/auth/hasura')).status).toBe(401);
    // A proxy in front of Hasura may tell a method too. That of GraphQL over WebSocket is GET.
    const told = { ...cookie, ...foreign, 'x-forwarded-method': 'GET' };
    expect([(await hook(api, told)).status, (await ask(api, told, '/auth/hasura')).status]).toEqual([401, 401]);
    expect((await hook(api, { Authorization: bearer.authorization, ...foreign })).status).toBe(200);
  });

  it.each([
    ['a body that is no JSON', '{'],
    ['a body without headers', '{}'],
    ['a body that is too large', `{"headers":{"a":"${'a'.repeat(70_000)}"}}`],
  ])('refuses %s', async (_, body) => {
    const { api } = await setUp();
    const answer = await toAnswer(
      await api.app.fetch(new Request(new URL('/auth/hasura', api.config.publicUrl), { method: 'POST', body })),
    );
    expect([400, 413]).toContain(answer.status);
    expect(api.reported).toEqual([]);
  });
});
