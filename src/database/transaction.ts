import type { Database, Db } from './database.ts';
import { isConflict } from './failures.ts';

const tries = 5;

/** Runs a transaction, and runs it anew where it and another one were in each other's way. It must bear that. */
export function inTransaction<T>(database: Database, act: (db: Db) => Promise<T>): Promise<T> {
  return retryConflicts(() => database.$transaction(act));
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
