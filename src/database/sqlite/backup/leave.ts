import { rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type BetterSqlite3 from 'better-sqlite3';
import { OperatorError } from '../../../errors.ts';
import type { SerializedAdapter } from '../serialized-adapter.ts';
import { createPrivate, nameBeside, toDisk } from './files.ts';

/** A database whose files were removed or replaced. It is still open, and can be read. */
export type LostDatabase = {
  file: string;
  /** Whether the database file is in its place, and only a part of its log is not. */
  isInPlace: boolean;
  reader: BetterSqlite3.Database;
  writer: SerializedAdapter;
};

const tries = 40;
const pauseMs = 50;

/**
 * Tells the operator that the files of a database were removed or replaced, and saves what is still open: nobody can
 * read a removed file once this process has closed it.
 *
 * The log is moved into the file that is open. So a file that was only renamed is complete, and the log that stays
 * behind is empty: SQLite would apply it to a file that replaced the database, and destroy that.
 */
export async function leave(lost: LostDatabase, report: (error: unknown) => void): Promise<void> {
  const { file, isInPlace, reader, writer } = lost;
  const copy = nameBeside(file, 'saved');
  report(new OperatorError(isInPlace ? logIsLost(file) : databaseIsLost(file, copy)));
  try {
    for (let attempt = 1; !(await writer.emptyLog()) && attempt < tries; attempt += 1) await sleep(pauseMs);
    if (!isInPlace) await saveAs(copy, reader);
  } catch (error) {
    report(new OperatorError(`The open data of ${file} could not be saved: ${(error as Error).message}.`));
  }
}

function databaseIsLost(file: string, copy: string): string {
  return (
    `The database file ${file} was removed or replaced while the server had it open, so the server refuses all ` +
    `requests, saves its data as ${copy}, and stops: put the right file in its place, and start the server again.`
  );
}

function logIsLost(file: string): string {
  return (
    `The log of the database, ${file}-wal or ${file}-shm, was removed or replaced while the server had it open, so the ` +
    `server refuses all requests, moves the log into ${file}, and stops: start it again.`
  );
}

/** Copies the open database to a file, which appears once it is complete. */
async function saveAs(copy: string, reader: BetterSqlite3.Database): Promise<void> {
  const partial = `${copy}.partial`;
  try {
    await createPrivate(partial);
    await reader.backup(partial);
    await rename(partial, copy);
    await toDisk(copy);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
