import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long the event loop may be kept from others, in milliseconds. */
const maxMs = 1;

let begunAtMs: number | null = null;

/**
 * Lets everybody else have the event loop, if this turn of it has lasted long by now. SQLite answers at once, so that
 * whatever waits for one statement after the other would have it to the end: others would wait for a whole login.
 */
export async function yieldToEventLoop(): Promise<void> {
  while (begunAtMs !== null && performance.now() - begunAtMs > maxMs) await nextTurn();
  if (begunAtMs !== null) return;
  begunAtMs = performance.now();
  setImmediate(() => {
    begunAtMs = null;
  });
}
