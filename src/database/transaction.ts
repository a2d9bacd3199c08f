import type { Database, Db } from './database.ts';
import { isConflict } from './failures.ts';
import { type RawTransaction, transact, transactRaw } from './raw-sql.ts';

const tries = 5;

/** Runs a transaction, and repeats it after a conflict with another one. `act` must tolerate the repetition. */
export function inTransaction<T>(database: Database, act: (db: Db) => Promise<T>): Promise<T> {
  return retryConflicts(() => transact(database, act));
}

/** Does the same for transactions that use only the functions of `raw-sql.ts`, in a fraction of the processor time. */
export function inRawTransaction<T>(database: Database, act: (db: RawTransaction) => Promise<T>): Promise<T> {
  return retryConflicts(() => transactRaw(database, act));
}

type Answers<Acts> = { -readonly [index in keyof Acts]: Awaited<Acts[index]> };

/**
 * Waits for independent operations of a transaction: none needs the answer of another. Those that bypass Prisma (`run`)
 * are sent to PostgreSQL at once, in this order. If one fails, its error is thrown after all of them have ended, so
 * that none is carried out after the rollback.
 */
export async function runConcurrently<const Acts extends readonly unknown[]>(acts: Acts): Promise<Answers<Acts>> {
  const results = await Promise.allSettled(acts);
  // On PostgreSQL, those that fail because of another one have its error (`guarded-adapter.ts`).
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as Answers<Acts>;
}

/**
 * Repeats an operation after a conflict. Statements that lock many rows can deadlock with others that lock them in
 * another order. Not for a part of a transaction, which is over after a conflict.
 */
export async function retryConflicts<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      if (!isConflict(error) || attempt === tries) throw error;
    }
  }
}
