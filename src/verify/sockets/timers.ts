/** In milliseconds. Timers with a longer delay would fire at once. */
export const maxDelayMs = 2 ** 31 - 1;

/**
 * Calls a function after a delay in milliseconds, at the latest after 24 days, and returns a function that cancels it.
 * The timer keeps no process of Node.js alive.
 */
export function callAfter(delayMs: number, act: () => void): () => void {
  const timer = setTimeout(act, Math.min(Math.max(delayMs, 0), maxDelayMs));
  unref(timer);
  return () => clearTimeout(timer);
}

/** Browsers and edge runtimes have no `unref`: there, timers are numbers, or keep nothing alive. */
function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref();
  }
}
