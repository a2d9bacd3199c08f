import { setImmediate as nextTurn } from 'node:timers/promises';

/** The maximum time in one turn of the event loop, in milliseconds. */
const maxMs = 1;

let begunAtMs: number | null = null;

/**
 * Yields to other work if this turn of the event loop has taken too long. SQLite answers at once, so a sequence of
 * statements would otherwise keep the event loop until its end, and other requests would wait for a whole login.
 */
export async function yieldToEventLoop(): Promise<void> {
  while (begunAtMs !== null && performance.now() - begunAtMs > maxMs) await nextTurn();
  if (begunAtMs !== null) return;
  begunAtMs = performance.now();
  setImmediate(() => {
    begunAtMs = null;
  });
}
