/** Handshakes of WebSockets (RFC 6455 section 4). */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { handleProtocols } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { RequestError } from '../../errors.ts';
import { httpOf, type Reports } from '../../graphql/errors.ts';
import { Quotas } from '../../streams/quotas.ts';
import { isAddressed, messageOf } from '../bad-requests.ts';
import { Body } from '../body.ts';
import type { Connections } from '../connections.ts';
import type { App } from '../front-door.ts';
import { Refusal } from '../messages.ts';
import { toIncoming } from '../node.ts';
import { refusalOf } from '../observe/refusal-of.ts';
import { closeCodes } from './close-codes.ts';
import { toGraphQLSocket } from './socket.ts';

/** A message is an operation, so it has the size of a body. Its parts take memory, each as an object of its own. */
const limits = {
  maxPayload: 64 * 1024,
  maxFragments: 16,
  maxBufferedChunks: 256,
  perMessageDeflate: false,
  // In milliseconds: the time that clients have to close their side. A connection keeps its place until then.
  closeTimeout: 3_000,
};

/** The limits on connections that have not authenticated yet. Each may last for six seconds, with the time to close. */
const waiting = { inSum: 1_000, perSession: null, perAddress: 20, perNetwork: 200 };

/** The time that clients have to close their side when the server stops. */
const closingMs = 500;

export type Upgrades = {
  /** Closes all WebSockets. Their clients connect again, to another server. */
  stop(): Promise<void>;
};

type Parts = {
  app: App;
  connections: Connections;
  /** Runs an operation when it is its turn. Returns false if too many wait. */
  start(run: () => Promise<void>): boolean;
};

/** Accepts WebSockets at the path of GraphQL. Other requests for an upgrade are answered as if they had not asked. */
export function acceptUpgrades(server: Server, { app, connections, start }: Parts): Upgrades {
  const webSockets = new WebSocketServer({
    ...limits,
    noServer: true,
    clientTracking: true,
    autoPong: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  const unauthenticated = new Quotas(waiting);

  function refuse(request: IncomingMessage, socket: Socket, { status, message, headers, code }: Refusal): void {
    const refusal = new Refusal(status, message, { ...headers, connection: 'close' }, code);
    socket.on('error', () => {});
    if (socket.writable) socket.write(messageOf(app.refuse(toIncoming(request, ''), refusal)));
    socket.destroySoon();
  }

  function open(webSocket: WebSocket, request: IncomingMessage, giveBack: () => void): void {
    const socket = toGraphQLSocket(webSocket, { hold: connections.holder(request.socket), report: app.report });
    const closed = app.sockets.protocol.opened(socket, {
      incoming: toIncoming(request, ''),
      close: (code, reason) => void socket.close(code, reason),
      onAuthenticated: giveBack,
      // Nobody waits for it: its failure would end the process.
      start: (run) => start(() => run().catch(app.report)),
    });
    webSocket.once('close', (code, reason) => {
      giveBack();
      void closed(code, String(reason)).catch(app.report);
    });
  }

  server.on('upgrade', (request: IncomingMessage, stream, head: Buffer) => {
    // A server without TLS has plain sockets.
    const socket = stream as Socket;
    if (!isWebSocket(request)) return withoutUpgrade(server, request, head, connections.holder(socket));
    // The answers to earlier requests would come in the middle of its messages.
    if (connections.isAnswering(socket)) return socket.destroy();
    const incoming = toIncoming(request, '');
    try {
      if (!isAddressed(request)) throw new Refusal(400, 'The request must have exactly one Host header.');
      const ipAddress = app.sockets.admit(incoming);
      const giveBack = unauthenticated.take({ sessionId: null, ipAddress });
      socket.once('close', giveBack);
      webSockets.handleUpgrade(request, socket, head, (webSocket) => open(webSocket, request, giveBack));
    } catch (error) {
      refuse(request, socket, toRefusal(error, app));
    }
    return undefined;
  });
  webSockets.on('wsClientError', (error, socket, request) => {
    refuse(request, socket as Socket, new Refusal(400, `${error.message}.`, { 'sec-websocket-version': '13' }));
  });

  return {
    async stop() {
      for (const one of webSockets.clients) one.close(closeCodes.serviceRestart, 'The server stops');
      const closing = [...webSockets.clients].map((one) => new Promise((resolve) => one.once('close', resolve)));
      const timer = setTimeout(() => {
        for (const one of webSockets.clients) one.terminate();
      }, closingMs);
      await Promise.all(closing);
      clearTimeout(timer);
    },
  };
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** Nobody catches what a listener throws: an unexpected error is reported, as that of a request is. */
function toRefusal(error: unknown, reports: Reports): Refusal {
  if (!(error instanceof RequestError)) return refusalOf(error, reports);
  const { status = 503, headers } = httpOf(error);
  return new Refusal(status, error.message, headers, error.code);
}

/**
 * Reads a request again, without the upgrade that it offers: a client may offer HTTP/2, as Java's does for http, and goes
 * on with HTTP/1.1 if the server does not take it (RFC 9110 section 7.8). Node leaves such requests unanswered if a
 * server takes any upgrade.
 */
function withoutUpgrade(server: Server, request: IncomingMessage, head: Buffer, hold: (bytes: number) => void): void {
  const { method, url, httpVersion, rawHeaders, socket } = request;
  // From Node 26 on, the body of the request has been read. Before, it is in `head`, or yet to come.
  const body = new Body();
  request.on('data', (piece: Buffer) => {
    hold(piece.length);
    if (!body.add(piece)) socket.destroy();
  });
  request.once('end', () => {
    const { bytes } = body;
    hold(-bytes.length);
    if (socket.destroyed) return;
    const isLeftOut = (name: string) => ofUpgrade.test(name) || (bytes.length > 0 && ofFraming.test(name));
    const lines = [`${method} ${url} HTTP/${httpVersion}`];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? '';
      if (!isLeftOut(name)) lines.push(`${name}: ${rawHeaders[index + 1]}`);
    }
    if (bytes.length > 0) lines.push(`content-length: ${bytes.length}`);
    socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes, head]));
    server.emit('connection', socket);
  });
}

/** The headers of an upgrade, and those that frame a body. */
const ofUpgrade = /^(upgrade|http2-settings)$/i;
const ofFraming = /^(content-length|transfer-encoding)$/i;
