/** Runs transactions of one or two statements. Many requests may need one at the same time. */
import type { Database } from '../database.ts';
import { isSqlite, type Statements, transactRaw } from '../raw-sql.ts';
import { retryConflicts } from '../transaction.ts';

type Act<T> = (db: Statements) => Promise<T>;

type Waiting = { act: Act<unknown>; resolve(value: unknown): void; reject(error: unknown): void };

/** The maximum number of acts in one transaction, so that other writers wait only shortly for it. */
const maxActs = 32;

/** The acts that wait for a transaction, by their database. Absent while none do. */
const queues = new WeakMap<Database, Waiting[]>();

/**
 * Runs an act as a transaction: one call of `changeRows`. Repeats it after a conflict.
 *
 * On PostgreSQL, that is one statement, and needs no other. On SQLite, the acts of concurrent requests share a
 * transaction: its beginning and its commit, which waits for the disk, take longer than the acts. Each has its own
 * result, after the commit. If the transaction fails, each act runs again in one of its own, so that none fails because
 * of another.
 */
export function inShortTransaction<T>(database: Database, act: Act<T>): Promise<T> {
  if (!isSqlite(database)) return retryConflicts(() => act(database));
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const waiting = { act, resolve, reject };
  const queue = queues.get(database);
  if (queue) queue.push(waiting);
  else {
    const begun = [waiting];
    queues.set(database, begun);
    // After all requests of this turn have come as far.
    process.nextTick(() => void runAll(database, begun));
  }
  // The type of the result is that of the act.
  return promise as Promise<T>;
}

async function runAll(database: Database, queue: Waiting[]): Promise<void> {
  while (queue.length > 0) await runTogether(database, queue);
  queues.delete(database);
}

/** Runs the first acts of a queue in one transaction. */
async function runTogether(database: Database, queue: Waiting[]): Promise<void> {
  let acts: Waiting[] = [];
  try {
    const results = await transactRaw(database, async (db) => {
      // Those that came while the transaction waited to begin are among them.
      acts = queue.splice(0, maxActs);
      const all: unknown[] = [];
      for (const { act } of acts) all.push(await act(db));
      return all;
    });
    acts.forEach(({ resolve }, index) => {
      resolve(results[index]);
    });
  } catch {
    if (acts.length === 0) acts = queue.splice(0, maxActs);
    for (const { act, resolve, reject } of acts) {
      await retryConflicts(() => transactRaw(database, act)).then(resolve, reject);
    }
  }
}
