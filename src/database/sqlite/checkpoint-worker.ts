/** What the thread of `checkpoints.ts` runs, with a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';

const connection = new BetterSqlite3(workerData as string, { fileMustExist: true });

parentPort?.on('message', (message: 'checkpoint' | 'end') => {
  if (message === 'checkpoint') {
    // PASSIVE waits for nobody, and does what can be done.
    parentPort?.postMessage(connection.pragma('wal_checkpoint(PASSIVE)'));
  } else {
    connection.close();
    parentPort?.close();
  }
});
