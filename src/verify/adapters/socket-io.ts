import type { Auth, Session } from '../auth.ts';
import { Refusal } from '../errors.ts';
import { type HeaderReader, type HeaderRecord, readerOf } from '../headers.ts';
import { isTemporary } from '../sockets/close-reason.ts';
import type { Verifier } from '../verifier.ts';
import type { ConnectionOptions } from './web-socket.ts';

/** The properties of a socket of Socket.IO that the middleware uses. */
export type SocketOfSocketIo = {
  readonly connected: boolean;
  readonly handshake: { headers: HeaderRecord; auth: { readonly [name: string]: unknown } };
  readonly conn: { readonly readyState: string; close(): unknown; once(event: 'close', listener: () => void): unknown };
  data: { auth?: Auth | null };
  disconnect(close: true): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
};

/**
 * Returns a middleware for a server or a namespace of Socket.IO. It sets `socket.data.auth`, which is null without a
 * session, and refuses connections that pages of other sites open. The credential is the session cookie, or a bearer
 * token in `auth: { token }` of the client. Sockets are disconnected when their sessions end, and such clients do not
 * connect again by themselves.
 *
 * A refused client gets the event `connect_error`, whose `data.code` is `CsrfError` or `VerificationUnavailable`.
 *
 * @example
 * io.use(socketIoAuth(verifier));
 */
export function socketIoAuth(
  verifier: Pick<Verifier, 'verify' | 'requireOwnSite' | 'closeWith'>,
  { closeWithSession = true, onError = console.error }: ConnectionOptions = {},
) {
  return async (socket: SocketOfSocketIo, next: (error?: Error) => void): Promise<void> => {
    try {
      const credentials = credentialsOf(socket);
      verifier.requireOwnSite(credentials);
      const auth = await verifier.verify(credentials);
      socket.data.auth = auth;
      if (auth !== null && closeWithSession) disconnectWith(verifier, auth.session, socket);
    } catch (error) {
      if (!(error instanceof Refusal)) onError(error);
      next(toConnectError(error));
      return;
    }
    next();
  };
}

function disconnectWith({ closeWith }: Pick<Verifier, 'closeWith'>, session: Session, socket: SocketOfSocketIo): void {
  // The connection ended while the session was verified.
  if (socket.conn.readyState !== 'open') return;
  const forget = closeWith(session, (reason) => {
    // A client connects again by itself after the connection breaks, and not after `disconnect`. That does nothing
    // before the middleware ends.
    if (socket.connected && !isTemporary(reason)) socket.disconnect(true);
    else socket.conn.close();
  });
  socket.once('disconnect', forget);
  // For a socket that a later middleware refuses.
  socket.conn.once('close', forget);
}

/** Returns the headers of the handshake. A bearer token of the client takes the place of `Authorization`. */
function credentialsOf({ handshake }: SocketOfSocketIo): HeaderReader {
  const headers = readerOf(handshake.headers);
  const { token } = handshake.auth;
  const given = typeof token === 'string' ? `Bearer ${token}` : headers.get('authorization');
  return { get: (name) => (name === 'authorization' ? given : headers.get(name)) };
}

/** Returns the error that Socket.IO sends to the client. */
function toConnectError(error: unknown): Error {
  if (!(error instanceof Refusal)) return new Error('Internal Server Error');
  return Object.assign(new Error(error.message), { data: { code: error.name, status: error.status } });
}
