import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createServerAdapter } from '@whatwg-node/server';
import type { App } from './app.ts';
import { answerBadRequests, isAddressed, mayLackHost, refuseAtOnce } from './bad-requests.ts';
import { batchPerTick } from './batch-per-tick.ts';
import { Body, maxBodyBytes, saysTooLarge } from './body.ts';
import { Connections, type Exchange } from './connections.ts';
import { send } from './send.ts';

/** Between them they end every connection that stands still, on either side. */
const timeouts = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
const socketTimeoutMs = 30_000;

const unaddressed = { status: 400, message: 'There must be one Host header, which makes a URL with the path.' };
const tooLarge = { status: 413, message: `The body is larger than ${maxBodyBytes} bytes.` };
const busy = { status: 503, message: 'Too many requests wait here. Try again later.', headers: { 'retry-after': '1' } };

/** How long requests in flight may take once the server is stopping. */
const graceMs = 8_000;

export type RunningServer = {
  port: number;
  /** Finishes the requests in flight and takes no more. */
  stop(): Promise<void>;
};

/** Serves the app over HTTP. Rejects if the address is not to be had. */
export async function listen(app: App, address: { host: string; port: number }): Promise<RunningServer> {
  const adapter = createServerAdapter<{ req: IncomingMessage }>((request, { req }) =>
    app.fetch(request, req.socket.remoteAddress),
  );
  /** One request that fails in an unexpected way must not end the process. */
  function guard(response: ServerResponse, answering: Promise<void>): Promise<void> {
    return answering.catch((error) => {
      app.report(error);
      response.destroy();
    });
  }
  async function answer(request: IncomingMessage, response: ServerResponse, exchange: Exchange): Promise<void> {
    const made = await adapter.handleNodeRequestAndResponse(request, response, { req: request });
    exchange.hold(Number(made.headers.get('content-length') ?? 0));
    // A client that reads slowly keeps no other request from its turn.
    guard(response, send(made, response));
  }
  async function answerWithBody(request: IncomingMessage, response: ServerResponse, exchange: Exchange, body: string) {
    // Whoever cannot read a body that has been read already can read an empty stream.
    await answer(Object.assign(request, { body: body === '' ? Readable.from([]) : body }), response, exchange);
  }
  async function answerFast(request: IncomingMessage, response: ServerResponse, exchange: Exchange, body: string) {
    const fast = await app.fastPath.answer(request, body, request.socket.remoteAddress ?? null);
    if (!fast) return answerWithBody(request, response, exchange, body);
    response.writeHead(fast.status, fast.headers).end(fast.body);
    // Nothing of an answer that the kernel has taken.
    exchange.hold(response.writableLength);
  }
  const begin = batchPerTick();
  function take(request: IncomingMessage, response: ServerResponse, exchange: Exchange): void {
    const start = (answering: () => Promise<void>) => {
      if (!begin(() => guard(response, answering()))) refuseAtOnce(response, app.headers, busy);
    };
    if (!app.expectsBody(request) || saysTooLarge(request.headers['content-length'])) {
      // Nobody reads it, and in pieces of one byte it takes a hundred times as much memory.
      request.resume();
      if (app.isProbe(request)) guard(response, answer(request, response, exchange));
      else start(() => answer(request, response, exchange));
      return;
    }
    const respond = app.fastPath.takes(request) ? answerFast : answerWithBody;
    collect(request, exchange, (body) => {
      if (body === null) refuseAtOnce(response, app.headers, tooLarge);
      else start(() => respond(request, response, exchange, body));
    });
  }
  // Node would refuse a missing Host by itself, without our headers.
  const options = { ...timeouts, maxHeaderSize: 16_384, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    const exchange = connections.admit(request, response);
    if (!exchange) return;
    if (isAddressed(request) || (mayLackHost(request) && app.isProbe(request))) take(request, response, exchange);
    else refuseAtOnce(response, app.headers, unaddressed);
  });
  const connections = new Connections(server);
  answerBadRequests(server, app.headers);
  server.setTimeout(socketTimeoutMs);
  server.maxConnections = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return { port, stop: () => stop(server, connections) };
}

/**
 * Hands the body of a request on when it is there as a whole, or null as soon as it is too large. Of one that was
 * aborted, that is never.
 */
function collect(request: IncomingMessage, exchange: Exchange, use: (body: string | null) => void): void {
  const body = new Body();
  let isTooLarge = false;
  request.on('data', (piece: Buffer) => {
    if (isTooLarge) return;
    if (body.add(piece)) exchange.hold(piece.length);
    else {
      isTooLarge = true;
      use(null);
    }
  });
  request.once('end', () => {
    if (!isTooLarge) use(body.text());
  });
}

async function stop(server: Server, connections: Connections): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Connections that a request in flight leaves open become idle only when it is finished.
  const tidying = setInterval(() => server.closeIdleConnections(), 20);
  connections.endUnused();
  const impatience = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(tidying);
  clearTimeout(impatience);
}
