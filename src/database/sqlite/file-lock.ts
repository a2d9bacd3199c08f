import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import type { Release } from '../dialect.ts';
import { cannotOpen, createFolderOf } from './open.ts';

function open(file: string): BetterSqlite3.Database {
  try {
    return new BetterSqlite3(file, { timeout: 0 });
  } catch (error) {
    throw cannotOpen(file, error);
  }
}

/**
 * Locks a small file by a lock of the operating system, so that nothing has to be cleaned up after a crash. Returns
 * null if another process, or another part of this one, holds the lock for longer than the timeout.
 */
export async function lockFile(file: string, timeoutMs: number): Promise<Release | null> {
  await createFolderOf(file);
  const lock = open(file);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      lock.exec('BEGIN IMMEDIATE');
      return () => void lock.close();
    } catch (error) {
      if (!(error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY'))) {
        lock.close();
        throw error;
      }
    }
    if (performance.now() >= deadline) {
      lock.close();
      return null;
    }
    await sleep(50);
  }
}
