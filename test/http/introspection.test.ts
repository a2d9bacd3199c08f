import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { password, startApi, type TestApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { basic, createService, post } from '../support/oauth.ts';

const hour = 3_600_000;

function seconds(time: Date | null | undefined): number {
  return Math.floor((time?.getTime() ?? Number.NaN) / 1_000);
}

/** A server with Ada's session, and a service that may ask for it. */
async function setUp(transport: 'COOKIE' | 'BEARER' = 'BEARER') {
  const api = await startApi();
  const ada = await api.signUp('ada@example.com', transport);
  const service = await createService(api, 'introspect');
  const token = ada.token ?? ada.cookie?.split('=')[1]?.split(';')[0] ?? '';
  const row = () => api.database.session.findFirstOrThrow();
  return { api, ada, service, token, row };
}

/** The answer to every token that opens no session. */
const inactive = { status: 200, body: { active: false } };

describe('introspection', () => {
  it.each(['BEARER', 'COOKIE'] as const)('describes the session of a token, by %s', async (transport) => {
    const { service, token, row } = await setUp(transport);
    const { status, headers, body } = await service.introspect(token);
    const session = await row();
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('set-cookie')).toBeNull();
    expect(body).toEqual({
      active: true,
      iss: 'http://localhost:4000',
      sub: toNodeId('User', session.userId ?? 0n),
      sid: session.handle,
      username: 'ada@example.com',
      email: 'ada@example.com',
      email_verified: false,
      role: 'user',
      token_type: 'Bearer',
      iat: seconds(session.createdAt),
      exp: seconds(session.expiresAt),
      auth_time: seconds(session.authenticatedAt),
      amr: ['pwd'],
      acr: 'aal1',
      proofs: [{ method: 'password', at: seconds(session.authenticatedAt) }],
    });
  });

  it('describes an anonymous session without a subject', async () => {
    const { api, service } = await setUp();
    const { token } = (await api.client().ask('mutation { startSession(transport: BEARER) { token } }')).startSession;
    const { body } = await service.introspect(token);
    expect(Object.keys(body).sort()).toEqual(['active', 'exp', 'iat', 'iss', 'sid', 'token_type']);
    expect(body.active).toBe(true);
  });

  it('includes the public data for services with the scope session-data, and never the private data', async () => {
    const { api, ada, service, token } = await setUp();
    const other = await createService(api, 'introspect', 'session-data');
    expect((await other.introspect(token)).body.public_data).toEqual({});
    await ada.ask('mutation { setPublicData(data: { theme: "dark" }) { __typename } }');
    const { id } = await api.database.session.findFirstOrThrow();
    await api.database.session.update({ where: { id }, data: { privateData: '{"plan":"premium"}' } });
    const { body } = await other.introspect(token);
    expect(body.public_data).toEqual({ theme: 'dark' });
    expect(JSON.stringify(body)).not.toContain('premium');
    expect((await service.introspect(token)).body).not.toHaveProperty('public_data');
  });

  it.each([
    ['after a logout', ({ ada }) => ada.ask('mutation { logout { revokedSessionId } }')],
    [
      'after its idle timeout',
      async ({ api }) => {
        api.clock.now = new Date(api.clock.now.getTime() + 169 * hour);
      },
    ],
    ['of a suspended user', ({ api }) => api.database.user.updateMany({ data: { suspendedAt: new Date() } })],
    ['of a deleted row', ({ api }) => api.database.session.deleteMany()],
  ] satisfies [string, (context: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>][])(
    'finds a token inactive %s',
    async (_, end) => {
      const context = await setUp();
      const { service, token } = context;
      expect((await service.introspect(token)).body.active).toBe(true);
      await end(context);
      expect(await service.introspect(token)).toMatchObject(inactive);
    },
  );

  it('finds every text that is nearly a token inactive', async () => {
    const { service, token } = await setUp();
    const [head = '', tail = ''] = token.split('.');
    const flipped = `${head}.${tail.startsWith('A') ? 'B' : 'A'}${tail.slice(1)}`;
    const texts = [' ', head, tail, flipped, token.slice(4), `${token} `, `${token}\u0000`, token.toUpperCase()];
    for (const text of texts) {
      const { status, body } = await service.introspect(text);
      expect([text, status, body]).toEqual([text, 200, { active: false }]);
    }
  });

  it('accepts tokens of earlier versions, without the prefix', async () => {
    const { api, service, token } = await setUp();
    const { hashToken } = await import('../../src/tokens/token.ts');
    const old = token.slice('gqs_'.length);
    await api.database.session.updateMany({ data: { hashedSessionToken: hashToken(old) } });
    expect((await service.introspect(old)).body.active).toBe(true);
  });

  it('gives no verdict on a token that was replaced a moment ago, and then finds it inactive', async () => {
    const { api, ada, service, token } = await setUp();
    await ada.act('reauthenticate', { password });
    const { status, headers, body } = await service.introspect(token);
    expect([status, headers.get('retry-after'), body.error]).toEqual([503, '1', 'temporarily_unavailable']);
    api.clock.now = new Date(api.clock.now.getTime() + 11_000);
    expect(await service.introspect(token)).toMatchObject(inactive);
  });

  it('gives no verdict while the database does not answer', async () => {
    const { api, service, token } = await setUp();
    await api.database.$disconnect();
    const failing = Object.assign(api.database, {
      $findServiceClient: () => Promise.reject(Object.assign(new Error('down'), { code: 'P1001' })),
    });
    expect(failing).toBe(api.database);
    const { status, headers, body } = await service.introspect(token);
    expect([status, headers.get('retry-after'), body.error]).toEqual([503, '1', 'temporarily_unavailable']);
    expect(api.reported).toEqual([]);
  });
});

describe('a signed answer of introspection', () => {
  const accept = 'application/token-introspection+jwt';

  it('is a JWT for the service, of its own type, and holds the same facts', async () => {
    const api = await startApi({ encryptionKeys: encryptionKeysOf() });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const service = await createService(api, 'introspect');
    const { body: plain } = await service.introspect(ada.token ?? '');
    const headers = { authorization: service.authorization, accept: `application/json;q=0.5, ${accept}` };
    const { body, headers: answered } = await post(api, '/oauth/introspect', { token: ada.token ?? '' }, headers);
    expect(answered.get('content-type')).toBe(accept);
    const jwks = createLocalJWKSet(JSON.parse((await api.signingKeys?.jwks()) ?? ''));
    const options = { issuer: 'http://localhost:4000', audience: service.clientId, typ: 'token-introspection+jwt' };
    const { payload } = await jwtVerify(body, jwks, { ...options, currentDate: api.clock.now });
    expect(payload.token_introspection).toEqual(plain);
    // RFC 9701 section 5: so that it is not taken for an access token.
    expect(payload).not.toHaveProperty('sub');
    expect(payload).not.toHaveProperty('exp');
    const other = await post(api, '/oauth/introspect', { token: 'x' }, headers);
    expect(decodeJwt(other.body).token_introspection).toEqual({ active: false });
  });

  it('needs signing keys', async () => {
    const { api, service, token } = await setUp();
    const { status, body } = await post(
      api,
      '/oauth/introspect',
      { token },
      { authorization: service.authorization, accept },
    );
    expect([status, body.error_description]).toEqual([406, expect.stringContaining('ENCRYPTION_KEYS')]);
  });
});

describe('use of a session by introspection', () => {
  async function afterHours(context: Awaited<ReturnType<typeof setUp>>, parameters: Record<string, string>) {
    const { api, service, token, row } = context;
    const before = await row();
    api.clock.now = new Date(api.clock.now.getTime() + 20 * hour);
    expect((await service.introspect(token, parameters)).status).toBe(200);
    const after = await row();
    return { before, after, isRenewed: after.expiresAt > before.expiresAt };
  }

  it('renews the session, and leaves its device', async () => {
    const context = await setUp();
    const { before, after, isRenewed } = await afterHours(context, {});
    expect(isRenewed).toBe(true);
    expect(after.lastSeenAt).toEqual(context.api.clock.now);
    expect([after.userAgent, after.ipAddress]).toEqual([before.userAgent, before.ipAddress]);
  });

  it.each([
    ['of IPv6', '2001:db8::7', '2001:db8::7'],
    ['of IPv4, mapped to IPv6', '::ffff:198.51.100.7', '198.51.100.7'],
    ['with a zone', `FE80::1%${'z'.repeat(2_000)}`, 'fe80::1'],
  ])('records the device that the service names, by an address %s', async (_, given, address) => {
    const device = { client_ip: given, user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Firefox/150.0' };
    const { after, isRenewed } = await afterHours(await setUp(), device);
    expect([isRenewed, after.ipAddress, after.userAgent]).toEqual([true, address, device.user_agent]);
  });

  it('changes nothing with touch=false', async () => {
    const { before, after } = await afterHours(await setUp(), { touch: 'false', client_ip: '1.2.3.4', user_agent: '' });
    expect(after).toEqual(before);
  });
});

describe('client authentication', () => {
  it('reads a client once for requests that arrive together, and anew for the next one', async () => {
    const { api, service, token } = await setUp();
    await service.introspect(token);
    const count = () => api.statements.filter((sql) => sql.includes('FROM "ServiceClient"')).length;
    api.statements.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => service.introspect(token)));
    expect([answers.filter(({ body }) => body.active).length, count()]).toEqual([20, 1]);
    await api.database.serviceClient.updateMany({ data: { disabledAt: new Date() } });
    expect([(await service.introspect(token)).status, count()]).toEqual([401, 2]);
  });

  it('accepts the secret in the body, both secrets during a rotation, and any case of Basic', async () => {
    const { api, service, token } = await setUp();
    const { clientId, secret, authorization } = service;
    const form = { token, client_id: clientId, client_secret: secret };
    expect((await post(api, '/oauth/introspect', form)).body.active).toBe(true);
    const lower = { authorization: authorization.replace('Basic', 'basic') };
    expect((await post(api, '/oauth/introspect', { token }, lower)).body.active).toBe(true);
  });

  it.each([
    ['no credentials', () => ({})],
    ['a bearer token', ({ token }) => ({ headers: { authorization: `Bearer ${token}` } })],
    ['another client id', ({ service }) => ({ headers: { authorization: basic('0'.repeat(32), service.secret) } })],
    [
      'a session token as secret',
      ({ service, token }) => ({ headers: { authorization: basic(service.clientId, token) } }),
    ],
    ['Basic without a colon', () => ({ headers: { authorization: `Basic ${btoa('nothing')}` } })],
    ['Basic that is no form', () => ({ headers: { authorization: `Basic ${btoa('%:%')}` } })],
    ['an empty secret', ({ service }) => ({ form: { client_id: service.clientId, client_secret: '' } })],
    ['a client id alone', ({ service }) => ({ form: { client_id: service.clientId } })],
  ] satisfies [string, (context: Awaited<ReturnType<typeof setUp>>) => object][])(
    'refuses %s with 401',
    async (_, make) => {
      const context = await setUp();
      const { headers = {}, form = {} } = make(context) as { headers?: object; form?: object };
      const answer = await post(context.api, '/oauth/introspect', { token: context.token, ...form }, { ...headers });
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    },
  );

  it('refuses a disabled client with 401, and a client without the scope with 403', async () => {
    const { api, token } = await setUp();
    const reader = await createService(api, 'users:read');
    const { status, body } = await reader.introspect(token);
    expect([status, body.error]).toEqual([403, 'insufficient_scope']);
    await api.database.serviceClient.updateMany({ data: { disabledAt: new Date() } });
    expect((await reader.introspect(token)).status).toBe(401);
  });
});

/** Sends a request that is refused. docs/your-backend.md lists the kinds. */
async function send(api: TestApi, authorization: string, init: RequestInit & { path?: string }) {
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded', ...init.headers };
  const url = new URL(init.path ?? '/oauth/introspect', api.config.publicUrl);
  return api.app.fetch(new Request(url, { method: 'POST', ...init, headers }));
}

describe('a request to introspect', () => {
  it.each([
    ['without a token', 400, { body: '' }],
    ['with an empty token', 400, { body: 'token=' }],
    ['with two tokens', 400, { body: 'token=a&token=b' }],
    ['with a token of 5 KB', 413, { body: `token=${'a'.repeat(5_000)}` }],
    ['with a body of 20 KB', 413, { body: `token=a&more=${'a'.repeat(20_000)}` }],
    ['with a body of 70 KB', 413, { body: `token=a&more=${'a'.repeat(70_000)}` }],
    ['with JSON', 415, { body: '{"token":"a"}', headers: { 'content-type': 'application/json' } }],
    ['with a compressed body', 415, { body: 'token=a', headers: { 'content-encoding': 'gzip' } }],
    ['with secrets in both places', 400, { body: 'token=a&client_id=b&client_secret=c' }],
    ['with an unknown touch', 400, { body: 'token=a&touch=maybe' }],
    ['with a client_ip alone', 400, { body: 'token=a&client_ip=1.2.3.4' }],
    ['with a client_ip that is none', 400, { body: 'token=a&client_ip=example.com&user_agent=x' }],
    ['by GET', 405, { method: 'GET' }],
    ['by PUT', 405, { method: 'PUT', body: 'token=a' }],
  ])('%s is refused with %i and a sentence', async (_, status, init) => {
    const { api, service } = await setUp();
    const response = await send(api, service.authorization, init);
    expect(response.status).toBe(status);
    const { error, error_description } = await response.json();
    expect([error, error_description]).toEqual(['invalid_request', expect.stringMatching(/^[A-Z].*\.$/)]);
    if (status === 405) expect(response.headers.get('allow')).toBe('POST');
    expect(api.reported).toEqual([]);
  });

  it('by HEAD is refused with 405 and no body', async () => {
    const { api, service } = await setUp();
    const response = await send(api, service.authorization, { method: 'HEAD' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('revocation of a token', () => {
  it('ends the session, with an event of its user, and answers like for any other text', async () => {
    const { api, ada, service, token } = await setUp();
    const root = await api.signUpAdmin('root@example.com');
    const { status, body } = await post(api, '/oauth/revoke', { token, token_type_hint: 'access_token' });
    expect([status, body]).toEqual([200, '']);
    expect(await service.introspect(token)).toMatchObject(inactive);
    expect((await ada.ask('{ viewer { email } }')).viewer).toBeNull();
    for (const other of [token, 'nonsense', `${'0'.repeat(32)}.${'A'.repeat(43)}`]) {
      expect(await post(api, '/oauth/revoke', { token: other })).toMatchObject({ status: 200, body: '' });
    }
    const { nodes } = (await root.ask('{ auditEvents { nodes { type user { email } ipAddress isOwn } } }')).auditEvents;
    const events = nodes.filter(({ type }: { type: string }) => type === 'LOGGED_OUT');
    expect(events).toEqual([
      { type: 'LOGGED_OUT', user: { email: 'ada@example.com' }, ipAddress: '203.0.113.9', isOwn: true },
    ]);
  });

  it('ends an anonymous session', async () => {
    const { api, service } = await setUp();
    const { token } = (await api.client().ask('mutation { startSession(transport: BEARER) { token } }')).startSession;
    await post(api, '/oauth/revoke', { token });
    expect(await service.introspect(token)).toMatchObject(inactive);
  });

  it('asks to repeat the request with the new token if it was replaced a moment ago', async () => {
    const { api, ada, token } = await setUp();
    await ada.act('reauthenticate', { password });
    const { status, headers } = await post(api, '/oauth/revoke', { token });
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    expect((await ada.ask('{ viewer { email } }')).viewer).not.toBeNull();
  });

  it('is no use of cookies: a page of another site cannot sign a user out', async () => {
    const { api, ada } = await setUp('COOKIE');
    await post(api, '/oauth/revoke', {}, { cookie: ada.cookie ?? '', origin: 'https://evil.example' });
    expect((await ada.ask('{ viewer { email } }')).viewer).not.toBeNull();
  });
});
