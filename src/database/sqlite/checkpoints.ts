import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Repeated, repeat } from '../../background.ts';

/** The code of the thread. It has the extension of this file, which is `.js` in the package. */
const workerUrl = new URL(`./checkpoint-worker${extname(import.meta.filename)}`, import.meta.url);

/**
 * The minimum size of the log for a checkpoint, in bytes: SQLite's own threshold of 1,000 pages. A checkpoint of a
 * smaller log gains nothing.
 */
const minLogSize = 4_096_000;

/** After this many intervals without work, the thread ends and frees its memory. */
const maxIdleIntervals = 30;

/**
 * The size of the log in pages at which a commit makes the checkpoint itself. Checkpoints here come long before. If
 * they fail, this keeps the log from growing for ever.
 */
export const autocheckpointPages = 16_384;

/**
 * Moves the write-ahead log into the database file at intervals, in a thread. Otherwise, SQLite does it in a commit
 * when the log is long. Commits run on the event loop, so every request would wait for those tens of milliseconds. In
 * another thread, a checkpoint delays neither readers nor writers.
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
    worker ??= new Worker(workerUrl, { workerData: file });
    worker.unref();
    worker.postMessage('checkpoint');
    // A failed checkpoint ends the thread. The next one uses a new thread, and `autocheckpointPages` is the last
    // resort.
    if (!(await hasAnswered(worker))) worker = null;
  }

  /** Returns whether the thread answered, rather than ended. */
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
      // Otherwise the thread gets one more listener each time.
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

  // There is nothing to report: if the log cannot be examined, the next interval tries again.
  const checks = repeat(intervalMs, check, () => {});
  return {
    async stop() {
      await checks.stop();
      await end();
    },
  };
}
