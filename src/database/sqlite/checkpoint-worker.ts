/** The thread of `checkpoints.ts`, with a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';

const connection = new BetterSqlite3(workerData as string, { fileMustExist: true });

parentPort?.on('message', (message: 'checkpoint' | 'end') => {
  if (message === 'checkpoint') {
    // PASSIVE waits for no reader or writer, and moves what it can.
    parentPort?.postMessage(connection.pragma('wal_checkpoint(PASSIVE)'));
  } else {
    connection.close();
    parentPort?.close();
  }
});
