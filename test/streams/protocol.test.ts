import { EventEmitter } from 'node:events';
import type { WebSocket as GraphQLSocket } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { Database } from '../../src/database/database.ts';
import { createApp } from '../../src/http/front-door.ts';
import { toGraphQLSocket } from '../../src/http/websocket/socket.ts';
import { type Data, type Settings, startApi } from '../support/api.ts';

/** Starts a server whose reads of sessions wait, from `hold` on, until `resume` is called. */
async function serveSlowly(settings: Settings = {}) {
  const api = await startApi(settings);
  const ada = await api.signUp('ada@example.com', 'BEARER');
  let gate = Promise.resolve();
  let reads = 0;
  const $findSession = async (handle: string) => {
    reads += 1;
    await gate;
    return api.database.$findSession(handle);
  };
  const database = api.database.$extends({ client: { $findSession } }) as unknown as Database;
  let operations = 0;
  const observe = () => {
    operations += 1;
    return () => {};
  };
  const { config, streams } = api;
  const app = createApp({ database, config, streams, observe, report: (error) => api.reported.push(error) });
  return {
    app,
    ada,
    reads: () => reads,
    operations: () => operations,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
}

/** Opens a connection of the protocol without a network. */
function connect({ sockets }: { sockets: ReturnType<typeof createApp>['sockets'] }) {
  const sent: Data[] = [];
  const closes: number[] = [];
  let handle: (data: string) => Promise<void> = async () => {};
  const socket: GraphQLSocket = {
    protocol: 'graphql-transport-ws',
    send: (data) => void sent.push(JSON.parse(data)),
    close: (code) => void closes.push(code ?? 0),
    onMessage: (given) => {
      handle = given;
    },
  };
  const headers = { get: () => null };
  const closed = sockets.protocol.opened(socket, {
    incoming: { method: 'GET', target: '/graphql', headers, peer: '127.0.0.1', body: () => '' },
    close: (code) => closes.push(code),
    onAuthenticated: () => {},
    start(run) {
      void run();
      return true;
    },
  });
  return { sent, closes, send: (message: object) => handle(JSON.stringify(message)), leave: () => closed(1006, '') };
}

const init = (token: string | null) => ({
  type: 'connection_init',
  payload: { authorization: `Bearer ${token}` },
});

describe('a connection', () => {
  it('gives its place back if its client leaves while it is authenticated', async () => {
    const { app, ada, reads, hold } = await serveSlowly({ streamsPerNode: 1 });
    const resume = hold();
    const left = connect(app);
    const authenticated = left.send(init(ada.token));
    await expect.poll(reads).toBe(1);
    await left.leave();
    resume();
    await authenticated;
    const next = connect(app);
    await next.send(init(ada.token));
    expect([next.sent, next.closes]).toEqual([[{ type: 'connection_ack' }], []]);
    await next.leave();
  });

  it('begins five operations at once, also if its client completes them before', async () => {
    const { app, ada, operations, hold } = await serveSlowly();
    const { send, sent, leave } = connect(app);
    await send(init(ada.token));
    const before = operations();
    const resume = hold();
    const payload = { query: 'subscription { sessionEvents { __typename } }' };
    const subscribed: Promise<void>[] = [];
    for (let id = 1; id <= 20; id += 1) {
      subscribed.push(send({ id: String(id), type: 'subscribe', payload }));
      await send({ id: String(id), type: 'complete' });
    }
    await send({ id: 'last', type: 'subscribe', payload });
    expect(operations() - before).toBe(5);
    expect(sent.at(-1)).toMatchObject({ id: 'last', payload: [{ extensions: { code: 'TOO_MANY_STREAMS' } }] });
    resume();
    await Promise.all(subscribed);
    void send({ id: 'again', type: 'subscribe', payload });
    await expect.poll(() => sent.at(-1)).toMatchObject({ id: 'again', type: 'next' });
    await leave();
  });

  it('ignores messages after the server has closed its side', () => {
    const states = { OPEN: 1, readyState: 1, protocol: 'graphql-transport-ws', ping: () => {}, close: () => {} };
    const socket = Object.assign(new EventEmitter(), states);
    const handled: string[] = [];
    toGraphQLSocket(socket as unknown as WebSocket, { hold: () => {}, report: () => {} }).onMessage(async (data) => {
      handled.push(data);
    });
    socket.emit('message', 'one', false);
    socket.readyState = 2;
    socket.emit('message', 'two', false);
    expect(handled).toEqual(['one']);
    socket.emit('close');
  });
});
