import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { currentHeaders } from '../../src/verify/adapters/next.ts';
import { nextForwarder } from '../../src/verify/adapters/next-forwarder.ts';
import { readCookies } from '../../src/verify/cookies.ts';
import { CsrfError, OperationError, ServerUnavailable, VerifierMisconfigured } from '../../src/verify/errors.ts';
import { createForwarder, type Forwarder } from '../../src/verify/forwarder.ts';
import { password } from '../support/api.ts';
import { startFake, startVerifyingServer } from '../support/verify.ts';

const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0';
const browser = { 'user-agent': userAgent, host: 'app.example', 'sec-fetch-site': 'same-origin' };

const signUp = `mutation ($email: String!) {
  signUp(email: $email, password: "${password}") { ... on SignInPayload { viewer { email } } ... on UserError { code } }
}`;
const ada = { email: 'ada@example.com' };
const devices = '{ viewer { sessions { clientName ipAddress } } }';
const logout = 'mutation { logout { revokedSessionId } }';
const failing = 'viewer { sessionsConnection(first: -1) { totalCount } }';
/** Replaces the token of the session, and fails in a field below its result. */
const changePassword = `mutation {
  changePassword(currentPassword: "${password}", newPassword: "another ${password}") {
    ... on ChangePasswordPayload { ${failing} }
  }
}`;

/** Starts a server that trusts proxies on this machine, and a forwarder to it. */
async function start() {
  const { trustedProxies } = readConfig({ TRUSTED_PROXIES: '127.0.0.1' });
  const server = await startVerifyingServer({ trustedProxies });
  const { url, timeoutMs = 0 } = server.options;
  return { ...server, forwarder: createForwarder({ url, timeoutMs }) };
}

/** Signs up, and returns the headers that the browser sends from then on. */
async function signIn({ mutate }: Forwarder) {
  const { setCookies } = await mutate(browser, signUp, ada, { forwardedFor: '203.0.113.7' });
  return { ...browser, cookie: setCookies.map((line) => line.split(';')[0]).join('; ') };
}

describe('forwarder', () => {
  it('starts a session of the browser, with its user agent and address', async () => {
    const { forwarder } = await start();
    const headers = await signIn(forwarder);
    expect(headers.cookie).toMatch(/^session=gqs_[^;]+; device=[^;]+$/);
    const session = { clientName: 'Firefox on Linux', ipAddress: '203.0.113.7' };
    const data = await forwarder.query(headers, devices, {}, { forwardedFor: '203.0.113.7' });
    expect(data).toEqual({ viewer: { sessions: [session] } });
  });

  it('sends a mutation with the anti-CSRF token of the session, and returns the cookies of the answer', async () => {
    const { forwarder } = await start();
    const headers = await signIn(forwarder);
    const { data, setCookies } = await forwarder.mutate(headers, logout);
    expect(data).toEqual({ logout: { revokedSessionId: expect.any(String) } });
    expect(setCookies).toEqual([expect.stringMatching(/^session=; Max-Age=0;/)]);
    expect(await forwarder.query(headers, '{ viewer { email } }')).toEqual({ viewer: null });
  });

  it('sends no cookies but those of the server', async () => {
    const cookies: unknown[] = [];
    const url = await startFake((request, response) => {
      cookies.push(request.headers.cookie);
      response.end('{"data":{}}');
    });
    const cookie = 'shop=cart; session=gqs_1; device=2; __Host-device=3; xsession=4';
    await createForwarder({ url }).query({ cookie }, '{ viewer { id } }');
    await createForwarder({ url, cookieName: '__Host-session' }).query({ cookie }, '{ viewer { id } }');
    await createForwarder({ url }).query({ cookie: 'shop=cart' }, '{ viewer { id } }');
    expect(cookies).toEqual(['session=gqs_1; device=2; __Host-device=3', 'device=2; __Host-device=3', undefined]);
  });

  it.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling domain', { 'sec-fetch-site': 'same-site' }],
    ['a page of another site in an old browser', { 'sec-fetch-site': undefined, origin: 'https://evil.example' }],
  ])('rejects a mutation that %s may have caused, and sends nothing', async (_, foreign) => {
    const { api, forwarder } = await start();
    const headers = { ...(await signIn(forwarder)), ...foreign };
    await expect(forwarder.mutate(headers, logout)).rejects.toThrow(CsrfError);
    expect(await api.database.session.count({ where: { endReason: null } })).toBe(1);
  });

  it('accepts the pages of allowed origins', async () => {
    const { options, forwarder } = await start();
    const headers = { ...(await signIn(forwarder)), 'sec-fetch-site': 'same-site', origin: 'https://admin.example' };
    const { mutate } = createForwarder({ url: options.url, allowedOrigins: ['https://admin.example'] });
    await mutate(headers, logout);
    expect(await forwarder.query(headers, '{ viewer { email } }')).toEqual({ viewer: null });
  });

  it('throws the code of an error, and returns refusals as data', async () => {
    const { forwarder } = await start();
    await signIn(forwarder);
    const { data } = await forwarder.mutate(browser, signUp, ada);
    expect(data).toEqual({ signUp: { code: 'EMAIL_TAKEN' } });
    const revoke = forwarder.mutate(browser, 'mutation { revoke(id: "x") { __typename } }');
    await expect(revoke).rejects.toThrow(OperationError);
    await expect(revoke).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('throws the cookies of a mutation that was executed, with the error of a field below its result', async () => {
    const { forwarder } = await start();
    const headers = await signIn(forwarder);
    const error: unknown = await forwarder.mutate(headers, changePassword).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(OperationError);
    const { setCookies } = error as OperationError;
    expect(setCookies).toEqual([expect.stringMatching(/^session=gqs_/)]);
    await expect(forwarder.query(headers, devices)).rejects.toMatchObject({ code: 'SESSION_TOKEN_REPLACED' });
    const cookie = setCookies.map((line) => line.split(';')[0]).join('; ');
    expect(await forwarder.query({ ...headers, cookie }, '{ viewer { email } }')).toEqual({ viewer: ada });
  });

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['503 with errors', (response) => response.writeHead(503).end('{"errors":[{"message":"Too late."}]}')],
    ['no result', (response) => response.end('<h1>Hello</h1>')],
    ['a body that breaks off', (response) => response.write('{"data":', () => response.destroy())],
  ])('throws the cookies of an answer with %s', async (_, end) => {
    const url = await startFake((_request, response) =>
      end(response.setHeader('set-cookie', ['session=a', 'device=b'])),
    );
    const error: unknown = await createForwarder({ url })
      .mutate(browser, logout)
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ServerUnavailable);
    expect(error).toMatchObject({ setCookies: ['session=a', 'device=b'] });
  });

  it.each([
    ['the database does not answer', 503, '{"errors":[{"message":"The database does not answer."}]}'],
    ['something else answers', 502, '<h1>Bad gateway</h1>'],
    ['the answer is no result', 200, 'null'],
  ])('throws a refusal with 503 while %s', async (_, status, body) => {
    const url = await startFake((_request, response) => response.writeHead(status).end(body));
    const query = createForwarder({ url }).query(browser, '{ viewer { id } }');
    await expect(query).rejects.toThrow(ServerUnavailable);
    await expect(query).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  });

  it('follows no redirect, which could lead the cookies to another server', async () => {
    const paths: unknown[] = [];
    const url = await startFake((request, response) => {
      paths.push(request.url);
      if (request.url === '/graphql') response.writeHead(307, { location: '/other' }).end();
      else response.end('{"data":{}}');
    });
    await expect(createForwarder({ url }).query(browser, '{ viewer { id } }')).rejects.toThrow(ServerUnavailable);
    expect(paths).toEqual(['/graphql']);
  });

  it('throws the same if no server is there, and after the timeout', async () => {
    await expect(createForwarder({ url: 'http://127.0.0.1:1' }).query({}, '{ viewer { id } }')).rejects.toThrow(
      ServerUnavailable,
    );
    const url = await startFake(() => {});
    const { mutate } = createForwarder({ url, timeoutMs: 1 });
    await expect(mutate(browser, logout)).rejects.toThrow(ServerUnavailable);
  });

  it('names the option for a cookie with another name', async () => {
    const { query } = createForwarder({ url: 'http://127.0.0.1:1' });
    const headers = { cookie: '__Host-session=gqs_1.2' };
    await expect(query(headers, '{ viewer { id } }')).rejects.toThrow(VerifierMisconfigured);
    expect(() => createForwarder({ url: 'localhost:4000' })).toThrow(/^url must be/);
  });
});

describe('forwarder for Next.js', () => {
  it('passes the address of the proxy on, and hands cookies to the browser with their attributes', async () => {
    const { forwarder } = await start();
    const jar: unknown[][] = [];
    let headers = new Headers({ ...browser, 'x-forwarded-for': '198.51.100.8' });
    const store = { getAll: () => [], set: (...cookie: unknown[]) => jar.push(cookie) };
    const { query, mutate } = nextForwarder(forwarder, { headers: async () => headers, cookies: () => store });
    expect(await mutate(signUp, ada)).toEqual({ signUp: { viewer: ada } });
    const attributes = { path: '/', httpOnly: true, secure: false, sameSite: 'lax' };
    const maxAge = expect.any(Number);
    expect(jar).toEqual([
      ['session', expect.stringMatching(/^gqs_/), { ...attributes, maxAge }],
      ['device', expect.any(String), { ...attributes, maxAge }],
    ]);
    headers = new Headers([...headers, ['cookie', `session=${jar[0]?.[1]}`]]);
    expect(await query(devices)).toMatchObject({ viewer: { sessions: [{ ipAddress: '198.51.100.8' }] } });
    await mutate(logout);
    expect(jar[2]).toEqual(['session', '', { ...attributes, maxAge: 0 }]);
  });

  it('hands the cookies of an answer with errors to the browser', async () => {
    const { forwarder } = await start();
    const jar: string[][] = [];
    let headers = new Headers(await signIn(forwarder));
    const store = { getAll: () => [], set: (name: string, value: string) => jar.push([name, value]) };
    const next = nextForwarder(forwarder, { headers: () => headers, cookies: () => store });
    await expect(next.mutate(changePassword)).rejects.toThrow(OperationError);
    expect(jar).toEqual([['session', expect.stringMatching(/^gqs_/)]]);
    headers = new Headers({ ...browser, cookie: jar.map((cookie) => cookie.join('=')).join('; ') });
    expect(await next.query('{ viewer { email } }')).toEqual({ viewer: ada });
  });

  it('hands the cookies of an answer without a result to the browser', async () => {
    const jar: string[] = [];
    const url = await startFake((_request, response) => response.setHeader('set-cookie', 'session=a').end());
    const next = nextForwarder(createForwarder({ url }), {
      headers: () => new Headers(browser),
      cookies: () => ({ getAll: () => [], set: (name, value) => jar.push(name, value) }),
    });
    await expect(next.mutate(logout)).rejects.toThrow(ServerUnavailable);
    expect(jar).toEqual(['session', 'a']);
  });

  it('uses the new token in the same request, in which Next.js keeps the old one in its headers', async () => {
    const { forwarder } = await start();
    const headers = new Headers(await signIn(forwarder));
    const jar = new Map([['session', readCookies(headers, 'session')[0] ?? '']]);
    const store = {
      getAll: () => [...jar].map(([name, value]) => ({ name, value })),
      set: (name: string, value: string) => jar.set(name, value),
    };
    const { query, mutate } = nextForwarder(forwarder, { headers: () => headers, cookies: () => store });
    for (const _ of [1, 2]) {
      const before = jar.get('session');
      await mutate(`mutation { reauthenticate(password: "${password}") { __typename } }`);
      expect(jar.get('session')).not.toBe(before);
      expect(await query('{ viewer { email } }')).toEqual({ viewer: { email: ada.email } });
    }
    await mutate(logout);
    expect(await query('{ viewer { email } }')).toEqual({ viewer: null });
  });

  it.each([
    ['session=a; other=b', { session: 'a', other: 'b' }, 'session=a; other=b'],
    ['session=a; other=b', { session: 'c', other: 'b' }, ' other=b;session=c'],
    ['session=a; other=b', { session: '', other: 'b' }, ' other=b'],
    ['', { session: 'a' }, 'session=a'],
    ['note=%C3%A9', { note: 'é' }, 'note=%C3%A9'],
    // Next.js takes the last of two cookies of one name. Both must reach the server, which takes none.
    ['session=a; session=b', { session: 'b' }, 'session=a; session=b'],
    ['session=a; session=%62', { session: 'b' }, 'session=a; session=%62'],
    ['session=a; note=%', { session: 'a' }, 'session=a; note=%'],
  ])('sends the cookies of the browser %j with those of an action %j', (cookie, current, sent) => {
    const getAll = () => Object.entries(current).map(([name, value]) => ({ name, value }));
    expect(currentHeaders(new Headers({ cookie }), { getAll }).get('cookie')).toBe(sent);
  });

  it.each([
    ['__Host-session=a=; Path=/; HttpOnly; SameSite=Lax; Secure', { path: '/', secure: true }],
    ['__Host-session=a=; Domain=example.com; HttpOnly; SameSite=Lax', { domain: 'example.com', secure: false }],
  ])('reads %s', async (line, attributes) => {
    const cookies: unknown[] = [];
    const mutate: Forwarder['mutate'] = async () => ({ data: {} as never, setCookies: [line] });
    const store = { getAll: () => [], set: (...cookie: unknown[]) => cookies.push(cookie) };
    const next = nextForwarder(
      { query: async () => ({}) as never, mutate },
      { headers: () => new Headers(), cookies: () => store },
    );
    await next.mutate(logout);
    expect(cookies).toEqual([['__Host-session', 'a=', { httpOnly: true, sameSite: 'lax', ...attributes }]]);
  });
});
