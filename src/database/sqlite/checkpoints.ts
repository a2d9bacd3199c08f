import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { type Repeated, repeat } from '../../background.ts';

/** In bytes: what SQLite's own threshold, of a thousand pages, comes to. Before that a file gains nothing by it. */
const minLogSize = 4_096_000;

/** A thread that had nothing to do for so many intervals ends, and gives its memory back. */
const maxIdleIntervals = 30;

/**
 * Pages that the log may hold before whoever commits moves them into the file. It is done here long before; should
 * that fail, the log does not grow for ever.
 */
export const autocheckpointPages = 16_384;

/**
 * Moves what the write-ahead log holds into the file now and then, in a thread. Left to SQLite, a commit does it when
 * the log has become long, and everybody waits for the tens of milliseconds which that takes: commits are made on the
 * event loop. In another thread it stands in the way of neither those who read nor those who write.
 */
export function startCheckpoints(file: string, intervalMs = 1_000): Repeated {
  let worker: Worker | null = null;
  let idle = 0;
  let doneAtMs = 0;

  async function check(): Promise<void> {
    const log = await stat(`${file}-wal`).catch(() => null);
    const isDue = log !== null && log.size >= minLogSize && log.mtimeMs > doneAtMs;
    if (isDue) await checkpoint(log.mtimeMs);
    else if (worker && ++idle > maxIdleIntervals) await end();
  }

  async function checkpoint(mtimeMs: number): Promise<void> {
    idle = 0;
    doneAtMs = mtimeMs;
    worker ??= new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { workerData: file });
    worker.unref();
    worker.postMessage('checkpoint');
    // One that fails ends the thread; it is tried again with a new one, and there is the last resort.
    if (!(await hasAnswered(worker))) worker = null;
  }

  /** Whether it was an answer, and not the end, that came of it. */
  async function hasAnswered(thread: Worker): Promise<boolean> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const answered = once(thread, 'message', { signal }).then(() => true);
    const ended = once(thread, 'exit', { signal }).then(() => false);
    try {
      return await Promise.race([answered, ended]);
    } catch {
      return false;
    } finally {
      // Or the thread would have one listener more each time.
      waiting.abort();
    }
  }

  async function end(): Promise<void> {
    const ending = worker;
    worker = null;
    if (!ending) return;
    ending.ref();
    ending.postMessage('end');
    await once(ending, 'exit').catch(() => {});
  }

  // It throws nothing: the log that cannot be looked at is looked at again.
  const checks = repeat(intervalMs, check, () => {});
  return {
    async stop() {
      await checks.stop();
      await end();
    },
  };
}
