import type { Database, Db } from './database.ts';
import { isConflict, isConsequence } from './failures.ts';
import { type RawTransaction, transact, transactRaw } from './raw-sql.ts';

const tries = 5;

/** Runs a transaction, and runs it anew where it and another one were in each other's way. It must bear that. */
export function inTransaction<T>(database: Database, act: (db: Db) => Promise<T>): Promise<T> {
  return retryConflicts(() => transact(database, act));
}

/** The same for transactions that use nothing but the functions of `raw-sql.ts`, in a fraction of the processor time. */
export function inRawTransaction<T>(database: Database, act: (db: RawTransaction) => Promise<T>): Promise<T> {
  return retryConflicts(() => transactRaw(database, act));
}

type Answers<Acts> = { -readonly [index in keyof Acts]: Awaited<Acts[index]> };

/**
 * Waits for what a transaction does of which nothing needs anything else's answer. What of it goes past Prisma (`run`)
 * is sent to PostgreSQL at once, in this order. If one fails, its error is thrown, once nothing is under way that could
 * still be carried out after the transaction is rolled back.
 */
export async function together<const Acts extends readonly unknown[]>(acts: Acts): Promise<Answers<Acts>> {
  const results = await Promise.allSettled(acts);
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  // What comes after a failure is refused because of that, and may be told first.
  if (failures.length > 0) throw failures.find((error) => !isConsequence(error)) ?? failures[0];
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as Answers<Acts>;
}

/**
 * Does something anew where somebody else was in its way: what locks many rows can deadlock with what locks them in
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
