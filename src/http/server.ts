import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerBadRequests, isAddressed, mayLackHost } from './bad-requests.ts';
import { batchPerTick } from './batch-per-tick.ts';
import { saysTooLarge, tooLarge } from './body.ts';
import { Connections, type Exchange } from './connections.ts';
import type { App } from './front-door.ts';
import { type Incoming, Refusal } from './messages.ts';
import { collectBody, toIncoming } from './node.ts';
import { sendStream, sendText } from './send.ts';
import { acceptUpgrades } from './websocket/upgrades.ts';

/** Together they end every connection that stands still, on either side. */
const timeouts = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
const socketTimeoutMs = 30_000;

/** The maximum number of connections beside those of streams, which stay open. */
const maxRequestConnections = 10_000;

/** Refusals by the server itself. They close the connection, because an unread body may follow on it. */
const unaddressed = refusal(400, 'The request must have exactly one Host header, which forms a URL with the path.');
const busy = refusal(503, 'Too many requests are waiting. Try again later.', { 'retry-after': '1' });
const unexpected = refusal(417, 'The only supported expectation is 100-continue.');

function refusal(status: number, message: string, headers: Record<string, string> = {}): Refusal {
  return new Refusal(status, message, { ...headers, connection: 'close' });
}

/** The maximum time for requests in flight after the server begins to stop. */
const graceMs = 8_000;

export type RunningServer = {
  port: number;
  /** Finishes the requests in flight and accepts no more. */
  stop(): Promise<void>;
};

/** Serves the app over HTTP. Rejects if the address is not available. */
export async function listen(app: App, address: { host: string; port: number }): Promise<RunningServer> {
  /** Keeps an unexpected failure of a request from ending the process. */
  function guard(response: ServerResponse, answering: Promise<void>): Promise<void> {
    return answering.catch((error) => {
      app.report(error);
      response.destroy();
    });
  }
  async function answer(incoming: Incoming, exchange: Exchange): Promise<void> {
    const { response, hold } = exchange;
    const outgoing = await app.handle(incoming);
    if (isBodyMissing(response.req)) response.shouldKeepAlive = false;
    if (outgoing.body instanceof ReadableStream) {
      hold(Number(outgoing.headers['content-length'] ?? 0));
      // A client that reads slowly must not delay other requests.
      guard(response, sendStream(outgoing, outgoing.body, exchange));
    } else {
      sendText(outgoing, response);
      // Bytes of an answer that the kernel has taken do not count.
      hold(response.writableLength);
    }
  }
  function refuse(incoming: Incoming, response: ServerResponse, reason: Refusal): void {
    sendText(app.refuse(incoming, reason), response);
  }
  const begin = batchPerTick();
  function start(incoming: Incoming, exchange: Exchange): void {
    const isTaken = begin(() => guard(exchange.response, answer(incoming, exchange)));
    if (!isTaken) refuse(incoming, exchange.response, busy);
  }
  function take(request: IncomingMessage, exchange: Exchange): void {
    const { response } = exchange;
    const incoming = toIncoming(request, '');
    if (!isAddressed(request) && !(mayLackHost(request) && app.isProbe(incoming))) {
      refuse(incoming, response, unaddressed);
      return;
    }
    if (app.expectsBody(incoming)) {
      if (saysTooLarge(request.headers['content-length'])) {
        request.resume();
        start(toIncoming(request, null), exchange);
        return;
      }
      collectBody(request, exchange, (body) => {
        if (body === null) refuse(incoming, response, tooLarge());
        else start(toIncoming(request, body), exchange);
      });
      return;
    }
    // Discards the body: unread, and in chunks of one byte, it takes a hundred times as much memory.
    request.resume();
    if (app.isProbe(incoming)) guard(response, answer(incoming, exchange));
    else start(incoming, exchange);
  }
  // Node would refuse a missing Host by itself, without our headers.
  const options = { ...timeouts, maxHeaderSize: 16_384, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    const exchange = connections.admit(request, response);
    if (exchange) take(request, exchange);
  });
  const connections = new Connections(server);
  answerBadRequests(server, app);
  server.on('checkExpectation', (request, response) => refuse(toIncoming(request, ''), response, unexpected));
  server.setTimeout(socketTimeoutMs);
  server.maxConnections = maxRequestConnections + app.streamsPerNode;
  const upgrades = acceptUpgrades(server, { app, connections, start: begin });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async stop() {
      await Promise.all([stop(server, connections), upgrades.stop()]);
    },
  };
}

/**
 * Returns whether a body was announced and has not arrived, on a path that reads none. Its connection must end with the
 * answer: a proxy may pass on the headers of a request without its body. It would send the next request, of another
 * user, where the body is still expected (RFC 9112 section 11.2).
 */
function isBodyMissing({ headers, complete }: IncomingMessage): boolean {
  const isAnnounced = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return isAnnounced && !complete;
}

async function stop(server: Server, connections: Connections): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Connections with a request in flight become idle only when it is finished.
  const closingIdle = setInterval(() => server.closeIdleConnections(), 20);
  connections.endUnused();
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(closingIdle);
  clearTimeout(deadline);
}
