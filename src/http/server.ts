import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';
import type { App } from './app.ts';
import { answerBadRequests, isAddressed, refuseAtOnce } from './bad-requests.ts';
import { inStep } from './in-step.ts';
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
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await send(await adapter.handleNodeRequestAndResponse(request, response, { req: request }), response);
  }
  const begin = inStep();
  async function answerFast(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const fast = await app.fastPath.answer(request, body, request.socket.remoteAddress ?? null);
    if (fast) response.writeHead(fast.status, fast.headers).end(fast.body);
    // The other way takes a body that has been read already from here.
    else await answer(Object.assign(request, { body }), response);
  }
  /** One request that fails in an unexpected way must not end the process. */
  function guard(response: ServerResponse, answering: Promise<void>): void {
    answering.catch((error) => {
      app.report(error);
      response.destroy();
    });
  }
  // Node would refuse a missing Host by itself, without our headers.
  const options = { ...timeouts, maxHeaderSize: 16_384, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    if (!isAddressed(request)) refuseAtOnce(response, app.headers, unaddressed);
    else if (app.fastPath.takes(request)) {
      collect(request, (body) => begin(() => guard(response, answerFast(request, response, body))));
    } else guard(response, answer(request, response));
  });
  answerBadRequests(server, app.headers);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.setTimeout(socketTimeoutMs);
  server.maxConnections = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return { port, stop: () => stop(server, sockets) };
}

/** Hands the body of a request on when it is there as a whole. Of one that was aborted, that is never. */
function collect(request: IncomingMessage, use: (body: string) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => use(Buffer.concat(chunks).toString()));
}

async function stop(server: Server, sockets: Set<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Connections that a request in flight leaves open become idle only when it is finished.
  const tidying = setInterval(() => server.closeIdleConnections(), 20);
  // Node counts a connection on which nothing has come yet as busy.
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  const impatience = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(tidying);
  clearTimeout(impatience);
}
