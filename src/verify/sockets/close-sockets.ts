import type { CloseReason } from './close-reason.ts';
import type { Reporter } from './reporter.ts';

/** Closes a socket. May return a promise. */
export type Close = (reason: CloseReason) => unknown;

/** An object of its own for each socket: one function may close several of them. */
export type Socket = { close: Close };

/** Closes sockets. The failure of one stops no other. */
export function closeSockets(sockets: Iterable<Socket>, reason: CloseReason, { report }: Reporter): void {
  for (const { close } of sockets) {
    try {
      Promise.resolve(close(reason)).catch(report);
    } catch (error) {
      report(error);
    }
  }
}
