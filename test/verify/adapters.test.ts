import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createClient } from 'graphql-ws';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import WebSocket from 'ws';
import { expressAuth } from '../../src/verify/adapters/express.ts';
import { fastifyAuth } from '../../src/verify/adapters/fastify.ts';
import { honoAuth } from '../../src/verify/adapters/hono.ts';
import { nextAuth } from '../../src/verify/adapters/next.ts';
import { yogaAuth } from '../../src/verify/adapters/yoga.ts';
import { readCookies } from '../../src/verify/cookies.ts';
import { VerifierMisconfigured } from '../../src/verify/errors.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import { startVerifyingServer, type VerifyingServer } from '../support/verify.ts';

type HeadersOfRequest = Record<string, string>;

/** Sends a request to an application. Its answer names the user in its body, or has the status 401. */
type Ask = (headers: HeadersOfRequest, method?: 'GET' | 'POST') => Promise<Response>;

/** Starts a server, and tells the examples its address. */
async function startForExample(): Promise<VerifyingServer> {
  const server = await startVerifyingServer();
  const { url, clientId, clientSecret } = server.options;
  const settings = { AUTH_URL: String(url), CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, PORT: '0' };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  // The examples wait a second, and a busy machine may need more.
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal);
  onTestFinished(() => timeout.mockRestore());
  onTestFinished(() => void vi.unstubAllEnvs());
  return server;
}

/** Expects of an application that it knows its users, and refuses what it must. */
async function expectProtected({ api, database }: VerifyingServer, ask: Ask): Promise<void> {
  const ada = await api.signUp('ada@example.com');
  const bob = await api.signUp('bob@example.com', 'BEARER');
  const visitor = api.client();
  await visitor.ask('mutation { startSession(transport: COOKIE) { __typename } }');
  const statusOf = async (...request: Parameters<Ask>) => (await ask(...request)).status;
  const own = { 'sec-fetch-site': 'same-origin' };
  const foreign = { 'sec-fetch-site': 'cross-site' };

  expect(await (await ask(ada.headers())).text()).toContain('ada@example.com');
  expect(await (await ask(bob.headers())).text()).toContain('bob@example.com');
  expect(await (await ask({ ...ada.headers(), ...own }, 'POST')).text()).toContain('ada@example.com');
  expect(await (await ask({ ...bob.headers(), ...foreign }, 'POST')).text()).toContain('bob@example.com');
  expect(await statusOf({})).toBe(401);
  expect(await statusOf(visitor.headers())).toBe(401);
  expect(await statusOf({ ...ada.headers(), ...foreign }, 'POST')).toBe(403);
  const headers = ada.headers();
  await ada.ask('mutation { logout { revokedSessionId } }');
  expect(await statusOf(headers)).toBe(401);
  database.isDown = true;
  const unavailable = await ask(bob.headers());
  expect([unavailable.status, unavailable.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await unavailable.text()).not.toContain('bob');
}

const overHttp =
  (server: { address(): AddressInfo | string | null }): Ask =>
  (headers, method = 'GET') => {
    // A server that listens on TCP has an address with a port.
    const { port } = server.address() as AddressInfo;
    return fetch(`http://localhost:${port}/orders`, { method, headers });
  };

/** Sends a query by GET, and a mutation by POST. An answer of Yoga without a user becomes 401. */
const overGraphQL =
  (yoga: { fetch(url: string, init: RequestInit): Response | Promise<Response> }): Ask =>
  async (headers, method = 'GET') => {
    const type = { 'content-type': 'application/json' };
    const response =
      method === 'GET'
        ? await yoga.fetch('http://localhost/graphql?query={buyer}', { headers })
        : await yoga.fetch('http://localhost/graphql', { method, headers: { ...headers, ...type }, body: order });
    const body = await response.clone().text();
    return body === '{"data":{"buyer":null}}' ? new Response(null, { status: 401 }) : response;
  };
const order = JSON.stringify({ query: 'mutation { order }' });

describe('adapter', () => {
  it('is not necessary in a server of Node.js', async () => {
    const auth = await startForExample();
    const { server } = await import('./examples/node.ts');
    onTestFinished(() => void server.close());
    if (!server.listening) await once(server, 'listening');
    await expectProtected(auth, overHttp(server));
  });

  it('for Express protects an application', async () => {
    const auth = await startForExample();
    const { server } = await import('./examples/express.ts');
    onTestFinished(() => void server.close());
    if (!server.listening) await once(server, 'listening');
    await expectProtected(auth, overHttp(server));
  });

  it('for Fastify protects an application', async () => {
    const auth = await startForExample();
    const { app } = await import('./examples/fastify.ts');
    onTestFinished(() => app.close());
    await expectProtected(auth, overHttp(app.server));
  });

  it('for Hono protects an application', async () => {
    const auth = await startForExample();
    const { server } = await import('./examples/hono.ts');
    onTestFinished(() => void server.close());
    if (!server.listening) await once(server, 'listening');
    await expectProtected(auth, overHttp(server));
  });

  it('for Yoga protects an application', async () => {
    const auth = await startForExample();
    const { yoga, server } = await import('./examples/yoga.ts');
    onTestFinished(() => void server.close());
    await expectProtected(auth, overGraphQL(yoga));
  });

  it('for Yoga gives its user to generic-auth, and not an anonymous session', async () => {
    const auth = await startForExample();
    const { yoga } = await import('./examples/generic-auth.ts');
    await expectProtected(auth, overGraphQL(yoga));
  });

  it('for Next.js protects route handlers, and tells server components the user', async () => {
    const server = await startVerifyingServer();
    const verifier = createVerifier(server.options);
    let headers = new Headers();
    const { auth, withAuth } = nextAuth(verifier, async () => headers);
    const handler = withAuth<{ params: Promise<{ id: string }> }>(async (_, caller, { params }) => {
      const { id } = await params;
      return caller?.user ? Response.json({ id, buyer: caller.user.email }) : new Response(null, { status: 401 });
    });
    const ada = await server.api.signUp('eve@example.com');
    headers = new Headers(ada.headers());
    expect((await auth())?.user?.email).toBe('eve@example.com');
    headers = new Headers();
    expect(await auth()).toBeNull();
    await expectProtected(server, (headers, method = 'GET') =>
      handler(new Request('http://localhost/orders', { method, headers }), { params: Promise.resolve({ id: '7' }) }),
    );
    headers = new Headers(ada.headers());
    await expect(auth()).rejects.toMatchObject({ status: 503 });
  });

  it('for Next.js knows the session that a server action has started in the same request', async () => {
    const { api, options } = await startVerifyingServer();
    const headers = new Headers((await api.signUp('ada@example.com')).headers());
    const [value = ''] = readCookies(headers, 'session');
    const cookies = () => ({ getAll: () => [{ name: 'session', value }] });
    const { auth } = nextAuth(createVerifier(options), () => new Headers(), cookies);
    expect((await auth())?.user?.email).toBe('ada@example.com');
  });

  it('for Next.js creates the verifier with the first request, so that a build needs no secret', async () => {
    const { api, options } = await startVerifyingServer();
    let creations = 0;
    const create = () => {
      creations += 1;
      return createVerifier(options);
    };
    let headers = async () => new Headers((await api.signUp('ada@example.com')).headers());
    const { auth, withAuth } = nextAuth(create, () => headers());
    const handler = withAuth((_, caller) => Response.json(caller?.user?.email ?? null));
    expect(creations).toBe(0);
    expect((await auth())?.user?.email).toBe('ada@example.com');
    expect(await (await handler(new Request('http://localhost/orders'), {})).json()).toBeNull();
    expect(creations).toBe(1);
    // As `headers` of Next.js does while a build renders a page: the page depends on the request.
    headers = () => Promise.reject(new Error('dynamic'));
    const building = nextAuth(
      () => createVerifier({ ...options, clientSecret: '' }),
      () => headers(),
    );
    await expect(building.auth()).rejects.toThrow('dynamic');
  });

  it('passes the address of the client on, if it is told where it is', async () => {
    const { api, options } = await startVerifyingServer();
    const verifier = createVerifier(options);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const headers = ada.headers();
    const web = new Request('http://localhost', { headers });
    const next = () => {};
    const uses: [string, () => unknown][] = [
      [
        '192.0.2.1',
        () =>
          expressAuth(verifier, { clientIp: ({ ip }) => ip })({ method: 'GET', headers, ip: '192.0.2.1' }, null, next),
      ],
      [
        '192.0.2.2',
        () => fastifyAuth(verifier, { clientIp: ({ ip }) => ip })({ method: 'GET', headers, ip: '192.0.2.2' }),
      ],
      [
        '192.0.2.3',
        () => honoAuth(verifier, { clientIp: () => '192.0.2.3' })({ req: { raw: web }, set: next }, async () => {}),
      ],
      [
        '192.0.2.4',
        () => yogaAuth(verifier, { clientIp: () => '192.0.2.4' }).onParams({ request: web, setResult: next }),
      ],
    ];
    for (const [address, use] of uses) {
      api.clock.now = new Date(api.clock.now.getTime() + api.config.sessions.idleTimeoutMs / 2);
      await use();
      expect((await api.database.session.findFirstOrThrow()).ipAddress).toBe(address);
    }
  });

  it('lets no wrong configuration pass as a visitor, or as an answer to the client', async () => {
    const { api, options } = await startVerifyingServer();
    const verifier = createVerifier({ ...options, clientSecret: 'wrong' });
    const headers = (await api.signUp('ada@example.com')).headers();
    const request = new Request('http://localhost', { headers });
    const seen: unknown[] = [];
    await expressAuth(verifier)({ method: 'GET', headers }, null, (error) => seen.push(error));
    expect(seen).toEqual([expect.any(VerifierMisconfigured)]);
    const { withAuth } = nextAuth(verifier, () => request.headers);
    await expect(withAuth(() => new Response('ok'))(request, {})).rejects.toThrow(VerifierMisconfigured);
    const yoga = yogaAuth(verifier).onParams({ request, setResult: () => seen.push('answer') });
    await expect(yoga).rejects.toThrow(VerifierMisconfigured);
    expect(seen).toHaveLength(1);
  });
});

describe('adapter for graphql-ws', () => {
  /** Connects to the example as a browser or a program with these headers does. */
  function connect(port: number, headers: HeadersOfRequest, connectionParams: Record<string, unknown> = {}) {
    class Socket extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, { headers });
      }
    }
    const url = `ws://localhost:${port}/graphql`;
    const client = createClient({ url, webSocketImpl: Socket, connectionParams, retryAttempts: 0, lazy: true });
    onTestFinished(() => void client.dispose());
    return async (): Promise<unknown> => {
      for await (const { data } of client.iterate({ query: '{ buyer }' })) return data?.buyer;
    };
  }

  it('knows the user at each operation, and refuses pages of other sites', async () => {
    const { api, database } = await startForExample();
    const { webSocketServer } = await import('./examples/graphql-ws.ts');
    onTestFinished(() => void webSocketServer.close());
    const { port } = webSocketServer.address() as AddressInfo;
    const ada = await api.signUp('ada@example.com');
    const bob = await api.signUp('bob@example.com', 'BEARER');
    const page = { origin: `http://localhost:${port}` };

    const asAda = connect(port, { ...ada.headers(), ...page });
    expect(await asAda()).toBe('ada@example.com');
    const asBob = connect(port, {}, { authorization: `Bearer ${bob.token}` });
    expect(await asBob()).toBe('bob@example.com');
    expect(await connect(port, page)()).toBeNull();
    // The token of the parameters decides, also if it is wrong.
    const asNobody = connect(port, { ...ada.headers(), ...page }, { authorization: 'Bearer wrong' });
    expect(await asNobody()).toBeNull();
    const foreign = connect(port, { ...ada.headers(), origin: 'https://evil.example' });
    await expect(foreign()).rejects.toMatchObject({ code: 4403 });

    await ada.ask('mutation { logout { revokedSessionId } }');
    expect(await asAda()).toBeNull();
    database.isDown = true;
    const late = connect(port, {}, { authorization: `Bearer ${bob.token}` });
    await expect(late()).rejects.toMatchObject({ code: 1013 });
  });

  it('closes a connection, so that its client connects again, if there is no verdict on an operation', async () => {
    const { graphqlWsAuth } = await import('../../src/verify/adapters/graphql-ws.ts');
    const { api, options, database } = await startVerifyingServer();
    const bob = await api.signUp('bob@example.com', 'BEARER');
    const { onConnect, context } = graphqlWsAuth(createVerifier(options));
    const closed: number[] = [];
    const webSocket = Object.assign(new EventEmitter(), {
      readyState: 1,
      close: (code: number) => closed.push(code),
      terminate: () => {},
    });
    const extra = { request: { headers: {} }, socket: webSocket };
    const socket = { connectionParams: { authorization: `Bearer ${bob.token}` }, extra };
    expect(await onConnect(socket)).toBe(true);
    database.isDown = true;
    await expect(context(socket)).rejects.toMatchObject({ status: 503 });
    expect(closed).toEqual([1013]);
  });
});
