import type { Auth } from '../auth.ts';
import { CsrfError, VerificationUnavailable } from '../errors.ts';
import { type HeaderReader, readerOf, type WithHeaders } from '../headers.ts';
import type { Verifier } from '../verifier.ts';
import { type ConnectionOptions, closeWebSocketWith, type WebSocketOfWs } from './web-socket.ts';

/** The properties of a connection of graphql-ws that the functions use. */
export type SocketContext = {
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
  readonly extra: {
    readonly request: WithHeaders;
    readonly socket: WebSocketOfWs;
  };
};

/** The code of a close after which clients of graphql-ws connect again (RFC 6455, registry of close codes). */
const tryAgainLater = 1013;

/**
 * Returns the options for graphql-ws. The credential is the session cookie, or a bearer token in the parameter
 * `authorization` of `connection_init`. `onConnect` refuses a connection that a page of another site opens (4403):
 * browsers let every page open a WebSocket with the cookies of the user. `context` verifies each operation anew, so
 * that no operation begins in a revoked session. The connection is closed when its session ends, with 4401, after which
 * clients of graphql-ws do not connect again.
 *
 * Without a verdict, the connection is closed with 1013, and clients connect again.
 *
 * @example
 * useServer({ schema, ...graphqlWsAuth(verifier) }, webSocketServer);
 */
export function graphqlWsAuth(
  verifier: Pick<Verifier, 'verify' | 'requireOwnSite' | 'closeWith'>,
  { closeWithSession = true }: Pick<ConnectionOptions, 'closeWithSession'> = {},
) {
  const { verify, requireOwnSite } = verifier;
  async function context(socket: SocketContext): Promise<{ auth: Auth | null }> {
    try {
      return { auth: await verify(credentialsOf(socket)) };
    } catch (error) {
      if (error instanceof VerificationUnavailable) socket.extra.socket.close(tryAgainLater, error.message);
      throw error;
    }
  }
  async function onConnect(socket: SocketContext): Promise<boolean> {
    try {
      requireOwnSite(credentialsOf(socket));
      const { auth } = await context(socket);
      if (auth !== null && closeWithSession) closeWebSocketWith(verifier, auth.session, socket.extra.socket);
      return true;
    } catch (error) {
      if (error instanceof CsrfError || error instanceof VerificationUnavailable) return false;
      throw error;
    }
  }
  return { onConnect, context };
}

/** Returns the headers of the handshake. A bearer token of the parameters takes the place of `Authorization`. */
function credentialsOf({ connectionParams, extra }: SocketContext): HeaderReader {
  const headers = readerOf(extra.request);
  const authorization = connectionParams?.authorization ?? headers.get('authorization');
  const given = typeof authorization === 'string' ? authorization : null;
  return { get: (name) => (name === 'authorization' ? given : headers.get(name)) };
}
