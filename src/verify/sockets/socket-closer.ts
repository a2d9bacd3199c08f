import type { Auth, Session } from '../auth.ts';
import { VerifierMisconfigured } from '../errors.ts';
import type { Close } from './close-sockets.ts';
import { SessionWatch } from './session-watch.ts';
import type { StreamEndpoint } from './stream/session-end-stream.ts';
import { maxDelayMs } from './timers.ts';

export type SocketOptions = {
  /**
   * The maximum time for which sockets of `closeWith` stay open without a connection to the server, in milliseconds.
   * 60,000 by default.
   */
  maxUnreachableMs?: number;
  /**
   * Receives the errors of `closeWith`, which has no caller to throw them to: `VerifierMisconfigured`,
   * `VerificationUnavailable` after `maxUnreachableMs`, and those of your functions that close sockets. By default, they
   * are printed by `console.error`.
   */
  onError?: (error: unknown) => void;
};

/** The functions of a verifier for sockets, which outlive the request that opened them. */
export type SocketCloser = {
  /**
   * Closes a socket of your application when a session ends: calls `close` once, with the reason. Returns a function
   * that forgets the socket. Call it when the socket has closed by itself.
   *
   * With the first socket, this opens a stream of events from the server, and with the last it ends the stream. So the
   * service client needs the scope `events` too. If there is no connection to the server for `maxUnreachableMs`, all
   * sockets close. Errors go to `onError`.
   *
   * @param session The session that `verify` of this verifier returned. A copy has no token to verify it again.
   * @throws TypeError for another object.
   *
   * @example
   * const forget = closeWith(auth.session, (reason) => socket.close(4401, reason));
   * socket.once('close', forget);
   */
  closeWith(session: Session, close: Close): () => void;
  /**
   * Closes all sockets of `closeWith` and the stream, whose connection keeps a process of Node.js alive. For the end of
   * the process: `closeWith` closes later sockets at once.
   */
  stop(): void;
};

/** Creates the watch of a verifier. It does nothing before the first socket. */
export function watchSessions(
  endpoint: StreamEndpoint,
  { maxUnreachableMs = 60_000, onError = console.error }: SocketOptions,
  verify: (token: string) => Promise<Auth | null>,
): SessionWatch {
  if (!(maxUnreachableMs >= 0 && maxUnreachableMs <= maxDelayMs)) {
    throw new VerifierMisconfigured(`maxUnreachableMs must be a number of milliseconds from 0 to ${maxDelayMs}.`);
  }
  return new SessionWatch({ endpoint, maxUnreachableMs, onError, verify });
}
