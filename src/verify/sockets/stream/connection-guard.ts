import { callAfter } from '../timers.ts';
import { timing } from '../timing.ts';

/** Ends a connection that does not open in time, or falls silent. */
export type ConnectionGuard = {
  /** Ends the connection. */
  signal: AbortSignal;
  /** Notes that something arrived. */
  onArrival(): void;
  /** Notes the first message. From now on, silence ends the connection. */
  onOpen(): void;
  /** Returns when the last byte arrived, by `performance.now()`. Null unless silence ended the connection. */
  silentSince(): number | null;
  /** Ends the connection, and the guard. */
  close(): void;
};

/** Guards a new connection, which also ends with a signal. */
export function guardConnection(stopping: AbortSignal): ConnectionGuard {
  const { maxOpeningMs, maxSilenceMs } = timing;
  const controller = new AbortController();
  let lastArrival = performance.now();
  let isSilent = false;
  const abort = () => controller.abort();
  stopping.addEventListener('abort', abort, { once: true });
  let cancel = callAfter(maxOpeningMs, () => {
    controller.abort(new Error(`The server sent no message within ${maxOpeningMs} ms.`));
  });
  function checkSilence(): void {
    const leftMs = lastArrival + maxSilenceMs - performance.now();
    if (leftMs > 0) {
      cancel = callAfter(leftMs, checkSilence);
      return;
    }
    isSilent = true;
    controller.abort(new Error(`The server sent nothing for ${maxSilenceMs} ms.`));
  }
  return {
    signal: controller.signal,
    onArrival() {
      lastArrival = performance.now();
    },
    onOpen() {
      cancel();
      checkSilence();
    },
    silentSince: () => (isSilent ? lastArrival : null),
    close() {
      cancel();
      stopping.removeEventListener('abort', abort);
      controller.abort();
    },
  };
}
