import { setTimeout as sleep } from 'node:timers/promises';

export type KeepOptions<T> = {
  /** The time for which an answer serves all who ask. */
  keptMs: number;
  /** The time after which `late` is the answer. */
  timeoutMs: number;
  late: T;
};

/**
 * Returns a function that asks at most once per time, for any number of callers: anybody who reaches the port may
 * scrape often. It answers in time. A question that hangs gets no second one beside it. An answer that comes after
 * `late` was given serves for the rest of the time.
 */
export function keepAnswer<T>(ask: () => Promise<T>, options: KeepOptions<T>): () => Promise<T> {
  const { keptMs, timeoutMs, late } = options;
  let kept: { at: number; answer: Promise<T>; isDone: boolean } | null = null;
  return () => {
    const at = performance.now();
    if (kept?.isDone === false || (kept !== null && at - kept.at <= keptMs)) return kept.answer;
    const asking = ask();
    const current = { at, answer: inTime(asking, timeoutMs, late), isDone: false };
    const done = () => {
      Object.assign(current, { answer: asking, isDone: true });
    };
    asking.then(done, done);
    kept = current;
    return current.answer;
  };
}

async function inTime<T>(answer: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  const giveUp = new AbortController();
  const timeout = sleep(timeoutMs, late, { signal: giveUp.signal, ref: false });
  // It is aborted below.
  timeout.catch(() => {});
  return Promise.race([answer, timeout]).finally(() => giveUp.abort());
}
