import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { StartError } from '../../errors.ts';
import { createFolderOf } from './open.ts';

/** How long a server waits for another one that is stopping. */
const patienceMs = 2_000;

/**
 * Makes this process the one server of an SQLite file, until the returned function is called or the process ends.
 *
 * The lock is one that the operating system keeps, on a small file beside the database: nothing has to be cleaned up
 * after a crash. Commands may still work on the database while a server owns it.
 *
 * @throws StartError when another server owns the file.
 */
export async function lockForServer(databaseFile: string): Promise<() => void> {
  await createFolderOf(databaseFile);
  const lock = new BetterSqlite3(`${databaseFile}.server-lock`, { timeout: 0 });
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      lock.exec('BEGIN IMMEDIATE');
      return () => lock.close();
    } catch (error) {
      if (!(error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY'))) {
        lock.close();
        throw error;
      }
    }
    if (performance.now() > deadline) {
      lock.close();
      throw new StartError(
        `Another server is running on ${databaseFile}. Stop it first, or let DATABASE_URL name another file.`,
      );
    }
    await sleep(50);
  }
}
