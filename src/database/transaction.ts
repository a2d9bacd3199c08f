import type { Database, Db } from './database.ts';
import { isConflict } from './failures.ts';

const tries = 5;

/** Runs a transaction, and runs it anew where it and another one were in each other's way. It must bear that. */
export async function inTransaction<T>(database: Database, act: (db: Db) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.$transaction(act);
    } catch (error) {
      if (!isConflict(error) || attempt === tries) throw error;
    }
  }
}
