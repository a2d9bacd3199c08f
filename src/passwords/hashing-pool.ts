/**
 * The threads that hash passwords. A hash takes milliseconds of a processor, in which the main thread answers others.
 *
 * A pool library would be less code of ours. Piscina is the established one, and leaves queued jobs pending forever if
 * a worker does not load: of three jobs, 5.3.2 rejects the first and never settles the others. Logins would hang. If a
 * worker dies during a job, 5.3.2 rejects that job and runs the others, as this pool does.
 */
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { hashingTimes } from '../diagnostics.ts';
import type { Tasks } from './hashing-worker.ts';

/** The code of a thread. It has the extension of this file, which is `.js` in the package. */
const workerUrl = new URL(`./hashing-worker${extname(import.meta.filename)}`, import.meta.url);

/** One processor remains for all other requests. */
export const maxThreads = Math.max(1, availableParallelism() - 1);

/** The job that a thread runs and its next one, so that it does not wait for a busy main thread in between. */
const maxPerThread = 2;

/** A thread without a job for so long ends, and frees its memory. */
const idleMs = 30_000;

type Job = { message: object; resolve(answer: unknown): void; reject(error: unknown): void };
type Thread = { worker: Worker; jobs: Job[] };

const threads = new Set<Thread>();
const waiting: Job[] = [];

/** Runs a task in a thread, as soon as one is free. `hashing-queue.ts` bounds how many tasks wait. */
export async function runInWorker<Name extends keyof Tasks>(
  name: Name,
  input: Parameters<Tasks[Name]>[0],
): Promise<ReturnType<Tasks[Name]>> {
  const began = performance.now();
  const answer = await new Promise<ReturnType<Tasks[Name]>>((resolve, reject) => {
    // A thread answers with the result of the task of that name.
    waiting.push({ message: { name, input }, resolve: resolve as Job['resolve'], reject });
    handOut();
  });
  hashingTimes.publish({ task: name, ms: performance.now() - began });
  return answer;
}

function handOut(): void {
  for (let job = waiting[0]; job; job = waiting[0]) {
    const thread = freeThread();
    if (!thread) return;
    waiting.shift();
    thread.jobs.push(job);
    thread.worker.ref();
    thread.worker.postMessage(job.message);
  }
}

/** Returns the thread for the next job, starts one if there may be one more, or returns null if all have enough. */
function freeThread(): Thread | null {
  const [freest] = [...threads].sort((a, b) => a.jobs.length - b.jobs.length);
  if (freest?.jobs.length === 0) return freest;
  if (threads.size < maxThreads) return startThread();
  return freest && freest.jobs.length < maxPerThread ? freest : null;
}

function startThread(): Thread {
  const thread: Thread = { worker: new Worker(workerUrl), jobs: [] };
  const { worker, jobs } = thread;
  threads.add(thread);
  const idle = setTimeout(() => {
    if (jobs.length > 0) return;
    threads.delete(thread);
    void worker.terminate();
  }, idleMs);
  idle.unref();
  worker.on('message', ({ answer, error }: { answer?: unknown; error?: unknown }) => {
    const job = jobs.shift();
    if (error === undefined) job?.resolve(answer);
    else job?.reject(error);
    handOut();
    idle.refresh();
    // An idle thread keeps no process alive.
    if (jobs.length === 0) worker.unref();
  });
  let cause: unknown;
  worker.once('error', (error) => {
    cause = error;
  });
  worker.once('exit', (code) => {
    clearTimeout(idle);
    threads.delete(thread);
    // The job that the thread died of is not tried again: another thread might die of it too.
    jobs.shift()?.reject(cause ?? new Error(`A thread that hashes passwords ended with ${code}.`));
    waiting.unshift(...jobs);
    handOut();
  });
  return thread;
}
