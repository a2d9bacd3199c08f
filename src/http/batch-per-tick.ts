/** So many begin in one turn of the event loop; the next ones begin in its next turn. */
const maxAtOnce = 32;

/** Fewer begin where a turn takes longer, because Node accepts one new connection a turn. */
const longTurnMs = 10;

/** So many are carried out at once, most of them waiting for the database. */
export const maxRunning = 1_000;

/** So many wait for their turn. Each has a request with its headers and body in memory. */
export const maxWaiting = 2_000;

/**
 * Lets requests that have arrived in one turn of the event loop go through their steps together: each is parsed, then
 * each reads its session, then each is answered. Three times as many are answered that way as when each goes its whole
 * way alone: what a step needs, code and data, is still in the processor's caches when the next one takes it, and the
 * kernel is asked once for many. A request that is alone waits for nothing but the end of the turn.
 *
 * What is returned takes a function that begins one and never rejects, and tells whether it is going to be called:
 * not if too many wait.
 */
export function batchPerTick(): (begin: () => Promise<void>) => boolean {
  let waiting: (() => Promise<void>)[] = [];
  let running = 0;
  let isScheduled = false;
  let atOnce = maxAtOnce;
  /** When the turn began after which others had to wait; 0 if none did. */
  let leftOthersAt = 0;
  function schedule(): void {
    if (isScheduled || waiting.length === 0 || running >= maxRunning) return;
    isScheduled = true;
    setImmediate(beginSome);
  }
  function beginSome(): void {
    isScheduled = false;
    const now = performance.now();
    if (leftOthersAt > 0) {
      const isLong = now - leftOthersAt > longTurnMs;
      atOnce = isLong ? Math.ceil(atOnce / 2) : Math.min(2 * atOnce, maxAtOnce);
    }
    const count = Math.min(atOnce, maxRunning - running);
    const next = waiting.slice(0, count);
    waiting = waiting.slice(count);
    leftOthersAt = waiting.length > 0 ? now : 0;
    running += next.length;
    schedule();
    for (const begin of next) begin().then(finish);
  }
  function finish(): void {
    running -= 1;
    schedule();
  }
  return (begin) => {
    if (waiting.length >= maxWaiting) return false;
    waiting.push(begin);
    schedule();
    return true;
  };
}
