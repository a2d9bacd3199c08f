import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { listen } from '../../src/http/server.ts';
import { type Client, type Data, type Settings, startApi } from '../support/api.ts';
import { sendRaw } from '../support/raw.ts';

const query = 'subscription { sessionEvents { __typename ... on SessionEnded { reason } } }';

async function serve(settings: Settings = {}) {
  const api = await startApi(settings);
  const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  return { api, port, stop };
}

/** A WebSocket with the messages that it received. */
function connectTo(port: number, { headers = {}, protocols = ['graphql-transport-ws'], path = '/graphql' } = {}) {
  const socket = new WebSocket(`ws://localhost:${port}${path}`, protocols, { headers });
  const messages: Data[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  const refused = new Promise<number>((resolve) =>
    socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode ?? 0)),
  );
  socket.on('error', () => {});
  onTestFinished(() => socket.terminate());
  const opened = once(socket, 'open');
  opened.catch(() => {});
  return {
    socket,
    opened,
    messages,
    closed,
    refused,
    async send(...sent: (object | string)[]) {
      if (socket.readyState === socket.CONNECTING) await once(socket, 'open');
      for (const one of sent) socket.send(typeof one === 'string' ? one : JSON.stringify(one));
    },
  };
}

const unknownToken = `gqs_${'0'.repeat(32)}.${'A'.repeat(43)}`;
const init = ({ token }: Client) => ({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
const subscription = (id: string, text = query) => ({ id, type: 'subscribe', payload: { query: text } });

describe('a WebSocket', () => {
  it('tells the end of its session, completes the subscriptions, and closes with a code that clients do not retry', async () => {
    const { api, port } = await serve();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { send, messages, closed } = connectTo(port);
    await send(init(ada));
    await expect.poll(() => messages).toEqual([{ type: 'connection_ack' }]);
    await send(subscription('a'), subscription('b'));
    await expect.poll(() => messages.length).toBe(3);
    await ada.ask('mutation { logout { revokedSessionId } }');
    expect(await closed).toBe(4401);
    for (const id of ['a', 'b']) {
      expect(messages.filter((message) => message.id === id)).toMatchObject([
        { type: 'next', payload: { data: { sessionEvents: { __typename: 'SessionsSnapshot' } } } },
        { type: 'next', payload: { data: { sessionEvents: { __typename: 'SessionEnded', reason: 'LOGOUT' } } } },
        { type: 'complete' },
      ]);
    }
    expect(api.reported).toEqual([]);
  });

  it('takes the cookie of a browser, from its own origin only', async () => {
    const { api, port } = await serve();
    const ada = await api.signUp('ada@example.com');
    const cookie = { cookie: ada.cookie ?? '' };
    const own = connectTo(port, { headers: { ...cookie, origin: api.config.publicUrl.origin } });
    await own.send({ type: 'connection_init' });
    await expect.poll(() => own.messages.length).toBe(1);
    await own.send(subscription('a'));
    await expect.poll(() => own.messages.at(-1)?.type).toBe('next');
    for (const foreign of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      expect(await connectTo(port, { headers: { ...cookie, ...foreign } }).refused).toBe(403);
    }
    expect(await connectTo(port, { headers: { host: 'evil.example' } }).refused).toBe(421);
    expect(await connectTo(port, { path: '/other' }).refused).toBe(404);
  });

  it.each<[problem: string, sent: (object | string)[], code: number]>([
    ['a text that is no JSON', ['{'], 4400],
    ['a message without a type', [{ id: 'a' }], 4400],
    ['a message that only servers send', [{ type: 'connection_ack' }], 4400],
    ['an operation before the connection is acknowledged', [subscription('a')], 4401],
    ['no credential', [{ type: 'connection_init' }], 4401],
    ['an unknown token', [{ type: 'connection_init', payload: { authorization: `Bearer ${unknownToken}` } }], 4401],
    ['an unknown service key', [{ type: 'connection_init', payload: { 'x-service-key': 'none' } }], 4401],
    ['a payload of 1 MB', ['x'.repeat(1_000_000)], 1009],
  ])('closes for %s', async (_problem, sent, code) => {
    const { port, api } = await serve();
    const { send, closed } = connectTo(port);
    await send(...sent);
    expect(await closed).toBe(code);
    expect(api.reported).toEqual([]);
  });

  it('closes for no message in time', { tags: ['slow/timing'] }, async () => {
    const { port } = await serve();
    expect(await connectTo(port).closed).toBe(4408);
  });

  it('closes for another protocol, a message in binary, a second init, and a repeated id', async () => {
    const { port, api } = await serve();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const other = connectTo(port, { protocols: [] });
    expect(await other.closed).toBe(4406);
    const binary = connectTo(port);
    await once(binary.socket, 'open');
    binary.socket.send(Buffer.from('{}'), { binary: true });
    expect(await binary.closed).toBe(4400);
    const again = connectTo(port);
    await again.send(init(ada), init(ada));
    expect(await again.closed).toBe(4429);
    const repeated = connectTo(port);
    await repeated.send(init(ada));
    await expect.poll(() => repeated.messages.length).toBe(1);
    // The longest id does not fit into the reason of the close, either.
    await repeated.send(subscription('a'.repeat(100)), subscription('a'.repeat(100)));
    expect(await repeated.closed).toBe(4409);
    expect(api.reported).toEqual([]);
  });

  it('refuses queries, mutations, invalid documents, and a sixth subscription, each with an error of its own', async () => {
    const { port, api } = await serve();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { send, messages } = connectTo(port);
    await send(init(ada));
    await expect.poll(() => messages.length).toBe(1);
    const codeOf = async (id: string, text: string) => {
      await send(subscription(id, text));
      const find = () => messages.find((message) => message.id === id && message.type === 'error');
      await expect.poll(find).toBeDefined();
      return find().payload[0].extensions.code;
    };
    expect(await codeOf('query', '{ viewer { id } }')).toBe('NOT_A_SUBSCRIPTION');
    expect(await codeOf('mutation', 'mutation { logout { revokedSessionId } }')).toBe('NOT_A_SUBSCRIPTION');
    expect(await codeOf('invalid', 'subscription { nothing }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(
      await codeOf('two', 'subscription { a: sessionEvents { __typename } b: sessionEvents { __typename } }'),
    ).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await codeOf('admin', 'subscription { adminEvents { cursor } }')).toBe('FORBIDDEN');
    for (const id of ['1', '2', '3', '4', '5']) await send(subscription(id));
    await expect.poll(() => messages.filter(({ type }) => type === 'next').length).toBe(5);
    expect(await codeOf('6', query)).toBe('TOO_MANY_STREAMS');
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('ada@example.com');
  });

  it('is refused beyond twenty connections of an address that have not authenticated', async () => {
    const { port } = await serve();
    const first = Array.from({ length: 20 }, () => connectTo(port));
    await Promise.all(first.map(({ socket }) => once(socket, 'open')));
    expect(await connectTo(port).refused).toBe(429);
    for (const { socket } of first) socket.terminate();
    await Promise.all(first.map(({ closed }) => closed));
    await expect.poll(() => connectTo(port).opened.then(() => true)).toBe(true);
  });

  it('does not fill the memory with answers that its client does not read', async () => {
    const { port, api } = await serve();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { socket, closed, send, messages } = connectTo(port);
    await send(init(ada));
    await expect.poll(() => messages.length).toBe(1);
    socket.pause();
    const timer = setInterval(() => {
      for (let count = 0; count < 1_000; count += 1) socket.ping('x'.repeat(125));
    }, 1);
    onTestFinished(() => clearInterval(timer));
    expect(await closed).toBe(1006);
  });

  it('closes with 1012 when the server stops, so that clients connect to another one', async () => {
    const { port, api, stop } = await serve();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { send, messages, closed } = connectTo(port);
    await send(init(ada));
    await expect.poll(() => messages.length).toBe(1);
    await send(subscription('a'));
    await expect.poll(() => messages.length).toBe(2);
    await Promise.all([api.streams.drain(0), stop()]);
    expect(await closed).toBe(1012);
    expect(messages.at(-1)?.type).toBe('next');
  });
});

describe('a handshake', () => {
  it('that fails unexpectedly is refused and reported, and the server goes on', async () => {
    const { api, port } = await serve();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const failure = new Error('a bug');
    vi.spyOn(api.app.sockets, 'admit').mockImplementationOnce(() => {
      throw failure;
    });
    expect(await connectTo(port).refused).toBe(500);
    expect(api.reported).toEqual([failure]);
    const { send, messages } = connectTo(port);
    await send(init(ada));
    await expect.poll(() => messages).toEqual([{ type: 'connection_ack' }]);
  });
});

describe('a request that offers another upgrade', () => {
  it('is answered as if it had not asked', async () => {
    const { port } = await serve();
    const head =
      'Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    const body = '{"query":"{ __typename }"}';
    const post = `POST /graphql HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const last = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    const answers = await sendRaw(port, post + body + last);
    expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(answers).toContain('"__typename":"Query"');
  });
});
