import type { Auth } from '../auth.ts';
import { Refusal } from '../errors.ts';
import type { WithHeaders } from '../headers.ts';
import type { Verifier } from '../verifier.ts';
import { type ConnectionOptions, closeWebSocketWith, type WebSocketOfWs } from './web-socket.ts';

/** The properties of the connection of a request for an upgrade. */
export type UpgradeSocket = {
  on(event: 'error', listener: () => void): unknown;
  off(event: 'error', listener: () => void): unknown;
  end(text: string): unknown;
  destroy(): unknown;
};

/** The functions of a `WebSocketServer` of ws that the listener uses. */
export type ServerOfWs<Request, Socket, Head> = {
  handleUpgrade(request: Request, socket: Socket, head: Head, callback: (client: WebSocketOfWs) => void): void;
  emit(event: 'connection', client: WebSocketOfWs, request: Request, auth: Auth | null): unknown;
};

/**
 * Returns a listener for the event `upgrade` of an HTTP server, for a `WebSocketServer` of ws with `noServer`. The third
 * argument of its event `connection` is the user and the session, or null without a session. The credential is the
 * session cookie, or a bearer token in `Authorization`. Sockets are closed when their sessions end, with 4401.
 *
 * Answers 403 to pages of other sites, and 503 without a verdict.
 *
 * @example
 * server.on('upgrade', wsAuth(verifier, webSocketServer));
 */
export function wsAuth<Request extends WithHeaders, Socket extends UpgradeSocket, Head>(
  verifier: Pick<Verifier, 'verify' | 'requireOwnSite' | 'closeWith'>,
  server: ServerOfWs<Request, Socket, Head>,
  { closeWithSession = true, onError = console.error }: ConnectionOptions = {},
) {
  return async (request: Request, socket: Socket, head: Head): Promise<void> => {
    const destroy = () => void socket.destroy();
    socket.on('error', destroy);
    try {
      verifier.requireOwnSite(request);
      const auth = await verifier.verify(request);
      socket.off('error', destroy);
      server.handleUpgrade(request, socket, head, (client) => {
        if (auth !== null && closeWithSession) closeWebSocketWith(verifier, auth.session, client);
        server.emit('connection', client, request, auth);
      });
    } catch (error) {
      if (!(error instanceof Refusal)) onError(error);
      socket.end(answerTo(error));
    }
  };
}

/** Returns an answer of HTTP/1.1, the only version with this kind of upgrade. */
function answerTo(error: unknown): string {
  const { status, headers, message } = error instanceof Refusal ? error : internalError;
  const fields = { ...headers, connection: 'close', 'content-type': 'text/plain' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} \r\n${lines.join('')}\r\n${message}`;
}

const internalError = { status: 500, headers: {}, message: 'Internal Server Error' };
