import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';
import type { App } from './app.ts';
import { inStep } from './in-step.ts';

/** Between them they end every connection that stands still, on either side. */
const timeouts = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
const socketTimeoutMs = 30_000;

/** How long requests in flight may take once the server is stopping. */
const graceMs = 8_000;

export type RunningServer = {
  port: number;
  /** Finishes the requests in flight and takes no more. */
  stop(): Promise<void>;
};

/** Serves the app over HTTP. Rejects if the address is not to be had. */
export async function listen(app: App, address: { host: string; port: number }): Promise<RunningServer> {
  const handle = createServerAdapter<{ req: IncomingMessage }>((request, { req }) =>
    app.fetch(request, req.socket.remoteAddress),
  );
  const begin = inStep();
  async function answerFast(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const answer = await app.fastPath.answer(request, body, request.socket.remoteAddress ?? null);
    if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
    // The other way takes a body that has been read already from here.
    else void handle(Object.assign(request, { body }), response);
  }
  const server = createServer({ ...timeouts, maxHeaderSize: 16_384 }, (request, response) => {
    if (!isAddressed(request)) refuseUnaddressed(response);
    else if (app.fastPath.takes(request)) collect(request, (body) => begin(() => answerFast(request, response, body)));
    else void handle(request, response);
  });
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

/** Whether `Host` and the target make a URL. Behind this check nothing has to expect one that does not parse. */
function isAddressed({ headers, url }: IncomingMessage): boolean {
  const host = headers.host ?? '';
  if (!/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host) || !url?.startsWith('/')) return false;
  return URL.canParse(`http://${host}${url}`);
}

function refuseUnaddressed(response: ServerResponse): void {
  const message = 'The Host header and the path do not make a URL.';
  const body = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
  response.writeHead(400, { 'content-type': 'application/json', connection: 'close' }).end(body);
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
