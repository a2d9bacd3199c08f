import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { VerificationUnavailable, VerifierMisconfigured } from '../../src/verify/errors.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import { password } from '../support/api.ts';
import { createService } from '../support/oauth.ts';
import { startVerifyingServer } from '../support/verify.ts';

/** A server, a verifier for it, and Ada with a session. */
async function setUp(transport: 'COOKIE' | 'BEARER' = 'COOKIE') {
  const server = await startVerifyingServer();
  const ada = await server.api.signUp('ada@example.com', transport);
  return { ...server, ada, ...createVerifier(server.options) };
}

describe('verifier', () => {
  it.each(['COOKIE', 'BEARER'] as const)('returns the user and the session of a request, by %s', async (transport) => {
    const { api, ada, verify } = await setUp(transport);
    const row = await api.database.session.findFirstOrThrow({ include: { user: true } });
    const seconds = (time: Date | null) => new Date(Math.floor((time?.getTime() ?? Number.NaN) / 1_000) * 1_000);
    expect(await verify({ headers: new Headers(ada.headers()) })).toEqual({
      user: {
        id: toNodeId('User', row.userId ?? 0n),
        email: 'ada@example.com',
        emailVerified: false,
        name: null,
        role: 'user',
      },
      session: {
        handle: row.handle,
        createdAt: seconds(row.createdAt),
        expiresAt: seconds(row.expiresAt),
        publicData: {},
        authenticatedAt: seconds(row.authenticatedAt),
        amr: ['pwd'],
        acr: 'aal1',
        proofs: [{ method: 'password', at: seconds(row.authenticatedAt) }],
      },
    });
  });

  it('returns the name of the user, and the public data of the session to clients with session-data', async () => {
    const { api, ada, verify, options } = await setUp();
    await ada.ask(
      'mutation { updateProfile(name: "Ada") { __typename } setPublicData(data: { a: [1] }) { __typename } }',
    );
    const auth = await verify(ada.headers());
    expect([auth?.user?.name, auth?.session.publicData]).toEqual(['Ada', { a: [1] }]);
    const { clientId, secret } = await createService(api, 'introspect');
    const other = createVerifier({ ...options, clientId, clientSecret: secret });
    expect((await other.verify(ada.headers()))?.session.publicData).toBeNull();
  });

  it('returns an anonymous session without a user', async () => {
    const { api, verify } = await setUp();
    const visitor = api.client();
    await visitor.ask('mutation { startSession(transport: COOKIE) { __typename } }');
    const auth = await verify(visitor.headers());
    expect(auth).toEqual({
      user: null,
      session: { handle: expect.any(String), createdAt: expect.any(Date), expiresAt: expect.any(Date), publicData: {} },
    });
  });

  it('returns null from the next request on after a session was revoked', async () => {
    const { ada, verify } = await setUp();
    expect((await verify(ada.headers()))?.user?.email).toBe('ada@example.com');
    const headers = ada.headers();
    await ada.ask('mutation { logout { revokedSessionId } }');
    expect(await verify(headers)).toBeNull();
  });

  it.each([
    ['no credential', {}],
    ['an unknown token', { authorization: `Bearer gqs_${'0'.repeat(32)}.${'A'.repeat(43)}` }],
    ['text that is no token', { cookie: 'session=%F0%9F%94%91; theme=dark' }],
    ['a token that is too long once it is encoded', { authorization: `Bearer ${'%'.repeat(4_096)}` }],
  ])('returns null for %s', async (_, headers) => {
    const { verify } = await setUp();
    expect(await verify(headers)).toBeNull();
  });

  it('lets the bearer token take precedence over the cookie, as the server does', async () => {
    const { api, ada, verify } = await setUp();
    const bob = await api.signUp('bob@example.com', 'BEARER');
    const auth = await verify({ cookie: ada.cookie, authorization: `Bearer ${bob.token}` });
    expect(auth?.user?.email).toBe('bob@example.com');
    expect(await verify({ cookie: ada.cookie, authorization: 'Bearer wrong' })).toBeNull();
    expect((await verify({ cookie: ada.cookie, authorization: 'Basic eDp5' }))?.user?.email).toBe('ada@example.com');
  });

  it('extends the session unless touch is false, and leaves its device as it is', async () => {
    const { api, ada, verify, options } = await setUp();
    const { database, clock, config } = api;
    await database.session.updateMany({ data: { userAgent: 'Firefox', ipAddress: '198.51.100.7' } });
    const expiry = async () => (await database.session.findFirstOrThrow()).expiresAt?.getTime() ?? 0;
    const before = await expiry();
    clock.now = new Date(clock.now.getTime() + config.sessions.idleTimeoutMs / 2);
    await createVerifier({ ...options, touch: false }).verify(ada.headers());
    expect(await expiry()).toBe(before);
    await verify(ada.headers());
    expect(await expiry()).toBe(before + config.sessions.idleTimeoutMs / 2);
    const { userAgent, ipAddress } = await database.session.findFirstOrThrow();
    expect([userAgent, ipAddress]).toEqual(['Firefox', '198.51.100.7']);
  });

  it('passes the address and the user agent of the client on, if it is told the address', async () => {
    const { api, ada, verify } = await setUp();
    const { database, clock, config } = api;
    clock.now = new Date(clock.now.getTime() + config.sessions.idleTimeoutMs / 2);
    const request = { headers: { ...ada.headers(), 'user-agent': 'x'.repeat(9_000) } };
    await verify(request, { clientIp: '2001:db8::1' });
    const { userAgent, ipAddress } = await database.session.findFirstOrThrow();
    expect([userAgent, ipAddress]).toEqual(['x'.repeat(512), '2001:db8::1']);
  });

  it('throws instead of returning null while the database does not answer', async () => {
    const { ada, verify, database, questions } = await setUp();
    database.isDown = true;
    const refused = verify(ada.headers());
    await expect(refused).rejects.toThrow(VerificationUnavailable);
    await expect(refused).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(questions).toHaveLength(2);
    database.isDown = false;
    expect((await verify(ada.headers()))?.user?.email).toBe('ada@example.com');
  });

  it('throws for a token that was replaced a moment ago, and not for the new one', async () => {
    const { ada, verify } = await setUp();
    const old = ada.headers();
    await ada.act('reauthenticate', { password });
    await expect(verify(old)).rejects.toThrow(VerificationUnavailable);
    expect((await verify(ada.headers()))?.user?.email).toBe('ada@example.com');
  });

  it('asks once about a token that several requests have at the same time, and again afterwards', async () => {
    const { api, ada, verify, questions } = await setUp();
    const bob = await api.signUp('bob@example.com');
    const auths = await Promise.all([ada, ada, bob, ada].map((client) => verify(client.headers())));
    const [a, b] = ['ada@example.com', 'bob@example.com'];
    expect(auths.map((auth) => auth?.user?.email)).toEqual([a, a, b, a]);
    expect(questions).toHaveLength(2);
    // What one request changes, no other one sees.
    expect(auths[0]?.user).not.toBe(auths[1]?.user);
    await verify(ada.headers());
    expect(questions).toHaveLength(3);
  });

  it('never answers with a question from before a revocation', async () => {
    const { ada, options, questions } = await setUp();
    const answered = Promise.withResolvers<void>();
    const delivered = Promise.withResolvers<void>();
    const { verify } = createVerifier({
      ...options,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        answered.resolve();
        await delivered.promise;
        return response;
      },
    });
    const headers = ada.headers();
    const before = verify(headers);
    await answered.promise;
    await ada.ask('mutation { logout { revokedSessionId } }');
    const after = [verify(headers), verify(headers)];
    delivered.resolve();
    expect((await before)?.user?.email).toBe('ada@example.com');
    expect(await Promise.all(after)).toEqual([null, null]);
    expect(questions).toHaveLength(2);
  });

  it.each<[string, { path?: string; clientId?: string; clientSecret?: string }, RegExp]>([
    ['a wrong secret', { clientSecret: 'wrong' }, /client secret is wrong/],
    ['an unknown client', { clientId: '0'.repeat(32) }, /client id or the client secret is wrong/],
    ['the address of GraphQL', { path: '/graphql' }, /without \/graphql/],
    ['a path that does not exist', { path: '/accounts/' }, /without \/graphql/],
  ])('names the option to correct for %s', async (_, { path = '', ...wrong }, message) => {
    const { ada, options } = await setUp();
    const { verify } = createVerifier({ ...options, ...wrong, url: `${options.url}${path}` });
    await expect(verify(ada.headers())).rejects.toThrow(VerifierMisconfigured);
    await expect(verify(ada.headers())).rejects.toThrow(message);
  });

  it('names the scope that is missing', async () => {
    const { api, ada, options } = await setUp();
    const { clientId, secret } = await createService(api, 'users:read');
    const { verify } = createVerifier({ ...options, clientId, clientSecret: secret });
    await expect(verify(ada.headers())).rejects.toThrow(/no scope introspect/);
  });

  it('names the option for an address of the client that is none', async () => {
    const { ada, verify } = await setUp();
    await expect(verify(ada.headers(), { clientIp: 'unknown' })).rejects.toThrow(/clientIp/);
  });

  it('names the setting for a host that the server does not answer for', async () => {
    const { api, options } = await startVerifyingServer({
      allowsLoopbackHosts: false,
      publicUrl: new URL('http://a.example'),
    });
    const ada = await api.signUp('ada@example.com');
    await expect(createVerifier(options).verify(ada.headers())).rejects.toThrow(/ALLOWED_HOSTS/);
  });
});
