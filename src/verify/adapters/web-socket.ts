import type { Session } from '../auth.ts';
import { type CloseReason, isTemporary } from '../sockets/close-reason.ts';
import { callAfter } from '../sockets/timers.ts';
import { timing } from '../sockets/timing.ts';
import type { Verifier } from '../verifier.ts';

/** The options of adapters for connections that outlive a request. */
export type ConnectionOptions = {
  /** Closes connections when their sessions end. True by default. It needs the scope `events`. */
  closeWithSession?: boolean;
  /** Receives errors that a developer has to correct, and that no client may see. By default `console.error`. */
  onError?: (error: unknown) => void;
};

/** The properties of a socket of ws. */
export type WebSocketOfWs = {
  readonly readyState: number;
  close(code: number, reason: string): unknown;
  terminate(): unknown;
  once(event: 'close', listener: () => void): unknown;
  removeAllListeners(event: 'message'): unknown;
};

/** The state of a socket whose `close` event has been emitted. */
const closedState = 3;

/** Closes a socket of ws when a session ends. No message reaches the application after that. */
export function closeWebSocketWith(
  { closeWith }: Pick<Verifier, 'closeWith'>,
  session: Session,
  socket: WebSocketOfWs,
) {
  // It was closed while its session was verified.
  if (socket.readyState === closedState) return;
  const forget = closeWith(session, (reason) => {
    // ws delivers messages until the client has closed too, and nothing forces it to.
    socket.removeAllListeners('message');
    socket.close(closeCodeOf(reason), reason);
    socket.once(
      'close',
      callAfter(timing.maxClosingMs, () => socket.terminate()),
    );
  });
  socket.once('close', forget);
}

/**
 * Returns the code of a close (RFC 6455 section 7.4): 4401, or one after which clients connect again. graphql-ws has the
 * same code for clients without permission.
 */
function closeCodeOf(reason: CloseReason): number {
  if (!isTemporary(reason)) return 4401;
  return reason === 'STOPPED' ? 1001 : 1013;
}
