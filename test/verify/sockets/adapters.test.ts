import { EventEmitter, once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { graphqlWsAuth } from '../../../src/verify/adapters/graphql-ws.ts';
import { socketIoAuth } from '../../../src/verify/adapters/socket-io.ts';
import { closeWebSocketWith } from '../../../src/verify/adapters/web-socket.ts';
import { wsAuth } from '../../../src/verify/adapters/ws.ts';
import type { FakeServer } from '../../support/session-ends.ts';
import { openSocket, shorten, startFakeServer } from '../../support/session-ends.ts';

/** Starts a fake server, and tells the examples its address. */
async function startForExample(): Promise<FakeServer> {
  const server = await startFakeServer();
  const settings = { AUTH_URL: server.url, CLIENT_ID: 'id', CLIENT_SECRET: 'secret', PORT: '0' };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  return server;
}

async function portOf(server: Server | WebSocketServer): Promise<number> {
  onTestFinished(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  if (!server.address()) await once(server, 'listening');
  // A server that listens on TCP has an address with a port.
  return (server.address() as AddressInfo).port;
}

/** Connects as a program with these headers does, and returns the messages and the close. */
function connect(port: number, headers: Record<string, string>) {
  const socket = new WebSocket(`ws://localhost:${port}`, { headers });
  onTestFinished(() => socket.terminate());
  const seen: { messages: string[]; end: unknown } = { messages: [], end: null };
  socket.on('message', (data) => seen.messages.push(String(data)));
  socket.on('close', (code, reason) => (seen.end = [code, String(reason)]));
  socket.on('unexpected-response', (_, response) => (seen.end = response.statusCode));
  socket.on('error', () => {});
  return { socket, seen };
}

describe('adapter for ws', () => {
  it('closes sockets with their sessions, and refuses pages of other sites', async () => {
    const accounts = await startForExample();
    const { server } = await import('./examples/ws.ts');
    const port = await portOf(server);
    const ada = connect(port, accounts.addSession('ada'));
    const bob = connect(port, accounts.addSession('bob'));
    await expect
      .poll(() => [ada.seen.messages, bob.seen.messages])
      .toEqual([['Hello ada@example.com'], ['Hello ada@example.com']]);
    const visitor = connect(port, {});
    const foreign = connect(port, { cookie: 'session=ada', origin: 'https://evil.example' });
    await expect.poll(() => [visitor.seen.end, foreign.seen.end]).toEqual([[4401, 'Sign in first.'], 403]);
    (await accounts.stream()).send('1', ['SESSION_REVOKED', 'ada']);
    await expect.poll(() => ada.seen.end).toEqual([4401, 'SESSION_REVOKED']);
    expect(bob.seen.end).toBeNull();
    accounts.onQuestion = (response) => response.writeHead(500).end();
    const late = connect(port, { authorization: 'Bearer bob' });
    await expect.poll(() => late.seen.end).toBe(503);
  });

  it('lets no message through after the close, and terminates a client that does not close', async () => {
    shorten({ maxClosingMs: 50 });
    const accounts = await startFakeServer();
    const verifier = accounts.verifier();
    const auth = await verifier.verify(accounts.addSession('ada'));
    const webSocketServer = new WebSocketServer({ port: 0 });
    const port = await portOf(webSocketServer);
    const received: string[] = [];
    webSocketServer.on('connection', (socket) => {
      socket.on('message', (data) => received.push(String(data)));
      if (auth) closeWebSocketWith(verifier, auth.session, socket);
    });
    const { socket } = connect(port, {});
    await once(socket, 'open');
    socket.send('before');
    await expect.poll(() => received).toEqual(['before']);
    // This client neither answers a close nor stops to send.
    socket.pause();
    (await accounts.stream()).send('1', ['LOGGED_OUT', 'ada']);
    const [served] = webSocketServer.clients;
    await expect.poll(() => served?.readyState).toBe(WebSocket.CLOSING);
    socket.send('after');
    await expect.poll(() => served?.readyState).toBe(WebSocket.CLOSED);
    expect(received).toEqual(['before']);
  });

  it.each([
    ['STOPPED', 1001],
    ['UNREACHABLE', 1013],
  ] as const)('tells clients to connect again: %s', async (reason, code) => {
    const accounts = await startFakeServer();
    const verifier = accounts.verifier({ maxUnreachableMs: 100 });
    const auth = await verifier.verify(accounts.addSession('ada'));
    const closed: unknown[] = [];
    const socket = Object.assign(new EventEmitter(), {
      readyState: 1,
      close: (...args: unknown[]) => closed.push(args),
      terminate: () => {},
    });
    accounts.onStream = () => {};
    if (auth) closeWebSocketWith(verifier, auth.session, socket);
    if (reason === 'STOPPED') verifier.stop();
    await expect.poll(() => closed).toEqual([[code, reason]]);
    socket.emit('close');
  });

  it('answers 500 to a mistake of the developer, and reports it', async () => {
    const errors: unknown[] = [];
    const accounts = await startFakeServer();
    accounts.onQuestion = (response) => response.writeHead(401).end();
    const answers: string[] = [];
    const socket = Object.assign(new EventEmitter(), { end: (text: string) => answers.push(text), destroy: () => {} });
    const listener = wsAuth(accounts.verifier(), new WebSocketServer({ noServer: true }) as never, {
      onError: (error) => errors.push(error),
    });
    await listener({ headers: { authorization: 'Bearer x' } }, socket, null);
    expect(answers.join()).toMatch(/^HTTP\/1.1 500 \r\n[\s\S]*\r\n\r\nInternal Server Error$/);
    expect(errors).toEqual([expect.objectContaining({ name: 'VerifierMisconfigured' })]);
  });

  it('keeps nothing of a socket that was closed while its session was verified', async () => {
    const accounts = await startFakeServer();
    const verifier = accounts.verifier();
    const auth = await verifier.verify(accounts.addSession('ada'));
    const socket = Object.assign(new EventEmitter(), { readyState: 3, close: () => {}, terminate: () => {} });
    if (auth) closeWebSocketWith(verifier, auth.session, socket);
    await openSocket(accounts, verifier, 'other').then(({ forget }) => forget());
    await expect.poll(() => accounts.streams.at(-1)?.isOpen ?? false).toBe(false);
  });
});

describe('adapter for graphql-ws', () => {
  function subscribe(port: number, headers: Record<string, string>) {
    class Socket extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, { headers });
      }
    }
    const client = createWsClient({ url: `ws://localhost:${port}/graphql`, webSocketImpl: Socket, retryAttempts: 0 });
    onTestFinished(() => void client.dispose());
    const seen: { results: unknown[]; end: unknown } = { results: [], end: null };
    client.subscribe(
      { query: 'subscription { orders }' },
      {
        next: ({ data }) => seen.results.push(data?.orders),
        error: (error) => (seen.end = error),
        complete: () => (seen.end = 'complete'),
      },
    );
    return seen;
  }

  it('closes connections with their sessions', async () => {
    const accounts = await startForExample();
    const { webSocketServer } = await import('./examples/graphql-ws.ts');
    const port = await portOf(webSocketServer);
    const ada = subscribe(port, accounts.addSession('ada'));
    const bob = subscribe(port, accounts.addSession('bob'));
    await expect
      .poll(() => [ada.results, bob.results])
      .toEqual([['Orders of ada@example.com'], ['Orders of ada@example.com']]);
    (await accounts.stream()).send('1', ['LOGGED_OUT', 'ada']);
    await expect.poll(() => ada.end).toMatchObject({ code: 4401, reason: 'LOGGED_OUT' });
    expect(bob.end).toBeNull();
  });

  it('opens no stream if closeWithSession is false', async () => {
    const accounts = await startFakeServer();
    const { onConnect } = graphqlWsAuth(accounts.verifier(), { closeWithSession: false });
    const socket = Object.assign(new EventEmitter(), { readyState: 1, close: () => {}, terminate: () => {} });
    expect(await onConnect({ extra: { request: { headers: accounts.addSession('ada') }, socket } })).toBe(true);
    expect([socket.eventNames(), accounts.streams]).toEqual([[], []]);
  });
});

describe('adapter for graphql-sse', () => {
  it('completes subscriptions with their sessions, after a result with the reason', async () => {
    const accounts = await startForExample();
    const { server } = await import('./examples/graphql-sse.ts');
    const url = `http://localhost:${await portOf(server)}`;
    const subscribe = (headers: Record<string, string>) => {
      const client = createSseClient({ url, headers, retryAttempts: 0 });
      onTestFinished(() => client.dispose());
      const seen: { results: unknown[]; end: unknown } = { results: [], end: null };
      const stop = client.subscribe(
        { query: 'subscription { orders }' },
        {
          next: (result) => seen.results.push(result.data?.orders ?? result.errors?.[0]?.extensions?.code),
          error: (error) => (seen.end = error),
          complete: () => (seen.end = 'complete'),
        },
      );
      return { seen, stop };
    };
    const hello = 'Orders of ada@example.com';
    const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((name) => subscribe(accounts.addSession(name)));
    await expect.poll(() => [ada, bob, eve].map((one) => one?.seen.results)).toEqual([[hello], [hello], [hello]]);
    const stream = await accounts.stream();
    stream.send('1', ['SESSION_REVOKED', 'ada']);
    await expect.poll(() => ada?.seen).toEqual({ results: [hello, 'SESSION_REVOKED'], end: 'complete' });
    expect(bob?.seen.end).toBeNull();
    bob?.stop();
    stream.send('2', ['SESSION_REVOKED', 'eve']);
    // The clients of the last sockets have gone.
    await expect.poll(() => stream.isOpen).toBe(false);

    const post = (headers: Record<string, string>) =>
      fetch(url, {
        method: 'POST',
        headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
        body: '{"query":"{ buyer }"}',
      });
    expect(await (await post(accounts.addSession('ada'))).text()).toContain('{"buyer":"ada@example.com"}');
    expect((await post({ cookie: 'session=ada', 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    accounts.onQuestion = (response) => response.writeHead(500).end();
    const unavailable = await post({ authorization: 'Bearer ada' });
    expect([unavailable.status, unavailable.headers.get('retry-after')]).toEqual([503, '1']);
  });
});

describe('adapter for Socket.IO', () => {
  /** A socket of Socket.IO before its middleware. `npm run check:stacks socket-io` uses a real one. */
  function socketOf(headers: Record<string, string>, auth: Record<string, unknown> = {}) {
    const did: string[] = [];
    const conn = Object.assign(new EventEmitter(), { readyState: 'open', close: () => did.push('close') });
    const socket = Object.assign(new EventEmitter(), {
      connected: false,
      handshake: { headers, auth },
      conn,
      data: {} as { auth?: { user: { email: string } | null } | null },
      disconnect: () => did.push('disconnect'),
    });
    return { socket, did };
  }

  it('knows the user, and disconnects sockets with their sessions, also before they are connected', async () => {
    const accounts = await startFakeServer();
    const verifier = accounts.verifier();
    const middleware = socketIoAuth(verifier);
    accounts.addSession('ada');
    const early = socketOf({ cookie: 'session=ada' });
    const ada = socketOf({}, { token: 'ada' });
    for (const { socket } of [early, ada]) await middleware(socket as never, () => {});
    expect(ada.socket.data.auth?.user?.email).toBe('ada@example.com');
    ada.socket.connected = true;
    (await accounts.stream()).send('1', ['LOGGED_OUT', 'ada']);
    await expect.poll(() => [early.did, ada.did]).toEqual([['close'], ['disconnect']]);

    // Its client connects again by itself, because the session may be live.
    const bob = socketOf(accounts.addSession('bob'));
    bob.socket.connected = true;
    await middleware(bob.socket as never, () => {});
    verifier.stop();
    expect(bob.did).toEqual(['close']);
  });

  it('forgets sockets that are disconnected, refused by others, or closed early', async () => {
    const accounts = await startFakeServer();
    const middleware = socketIoAuth(accounts.verifier());
    const [disconnected, refused, closed] = [1, 2, 3].map(() => socketOf(accounts.addSession('ada')).socket);
    if (closed) closed.conn.readyState = 'closed';
    for (const socket of [disconnected, refused, closed]) await middleware(socket as never, () => {});
    const stream = await accounts.stream();
    disconnected?.emit('disconnect');
    refused?.conn.emit('close');
    await expect.poll(() => stream.isOpen).toBe(false);
  });

  it('tells refused clients a code, and nothing about a mistake of the developer', async () => {
    const accounts = await startFakeServer();
    const reported: unknown[] = [];
    const middleware = socketIoAuth(accounts.verifier(), { onError: (error) => reported.push(error) });
    const refusals: unknown[] = [];
    const refuse = async (headers: Record<string, string>) => {
      await middleware(socketOf(headers).socket as never, (error) => refusals.push(error));
    };
    await refuse({ cookie: 'session=x', origin: 'https://evil.example' });
    accounts.onQuestion = (response) => response.writeHead(500).end();
    await refuse({ cookie: 'session=x' });
    expect(refusals).toMatchObject([{ data: { code: 'CsrfError' } }, { data: { code: 'VerificationUnavailable' } }]);
    accounts.onQuestion = (response) => response.writeHead(401).end();
    await refuse({ cookie: 'session=x' });
    expect(refusals[2]).toEqual(new Error('Internal Server Error'));
    expect(reported).toEqual([expect.objectContaining({ name: 'VerifierMisconfigured' })]);
  });
});

describe('closeWith in a server of Node.js', () => {
  it('ends responses with their sessions', async () => {
    const accounts = await startForExample();
    const { server } = await import('./examples/plain.ts');
    const url = `http://localhost:${await portOf(server)}`;
    const response = await fetch(url, { headers: accounts.addSession('ada') });
    (await accounts.stream()).send('1', ['LOGGED_OUT', 'ada']);
    expect(await response.text()).toBe('data: Hello\n\ndata: LOGGED_OUT\n\n');
    expect((await fetch(url)).status).toBe(401);
    accounts.onQuestion = (answer) => answer.writeHead(500).end();
    expect((await fetch(url, { headers: { authorization: 'Bearer ada' } })).status).toBe(503);
  });
});
