import { existsSync } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';
import { OperatorError } from '../../../errors.ts';
import type { Restored } from '../../dialect.ts';
import type { Migration } from '../../migrations.ts';
import { migrateSqlite } from '../migrate.ts';
import { besides, createPrivate, nameBeside, removeDatabase, toDisk } from './files.ts';
import { copyInto, inspect, requireKnown } from './inspect.ts';

/** The time for which a restore waits for a command that has the database open, in milliseconds. */
const busyTimeoutMs = 2_000;

export type Restore = {
  known: Migration[];
  /** Changes the migrated copy at a path before it becomes the database. Leaves it closed. */
  prepare(copy: string): Promise<void>;
};

/**
 * Replaces a database by a backup, which stays as it is. The caller owns the database: no server runs on it.
 *
 * The backup is copied, checked, migrated, prepared and checked again beside the database, and then renamed to it. So
 * there is always a whole database under the name: the old one, or the new one with everything that `prepare` did.
 *
 * @throws OperatorError, after which the old database is unchanged
 */
export async function restoreSqlite(file: string, source: string, { known, prepare }: Restore): Promise<Restored> {
  requireKnown(source, inspect(source), known);
  // The caller's claim makes this name ours, also if a restore that was killed has left such a file.
  const copy = `${file}.restoring`;
  await removeDatabase(copy);
  try {
    await createPrivate(copy);
    copyInto(source, copy);
    await migrateSqlite(copy, known);
    await prepare(copy);
    makeOneFile(copy);
    const facts = inspect(copy);
    await toDisk(copy);
    return { ...facts, replaced: await replace(file, copy) };
  } finally {
    await removeDatabase(copy);
  }
}

/** Moves everything into the file itself, and removes the log. */
function makeOneFile(file: string): void {
  const connection = new BetterSqlite3(file, { fileMustExist: true });
  try {
    connection.pragma('journal_mode = DELETE');
  } finally {
    connection.close();
  }
}

/** Renames a copy to the database. Returns the file that keeps the old database, or null if there was none. */
async function replace(file: string, copy: string): Promise<string | null> {
  if (!existsSync(file)) {
    for (const end of besides) await rm(`${file}${end}`, { force: true });
    await rename(copy, file);
    await toDisk(file);
    return null;
  }
  const kept = nameBeside(file, 'replaced');
  const old = lock(file);
  try {
    await keep(file, old, kept);
    // Empty by now, or moved away: SQLite would apply them to the new database, and so destroy it.
    for (const end of besides) await rm(`${file}${end}`, { force: true });
    await rename(copy, file);
    await toDisk(file);
  } finally {
    old?.close();
  }
  return kept;
}

/**
 * Opens the old database so that no other program can, with its whole log moved into it. Null if it is so damaged that
 * SQLite cannot open it.
 *
 * @throws OperatorError if a command has it open
 */
function lock(file: string): BetterSqlite3.Database | null {
  const connection = new BetterSqlite3(file, { fileMustExist: true, timeout: busyTimeoutMs });
  try {
    connection.pragma('locking_mode = EXCLUSIVE');
    connection.pragma('journal_mode = DELETE');
    return connection;
  } catch (error) {
    connection.close();
    if (error instanceof BetterSqlite3.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return null;
    const reason = (error as Error).message;
    throw new OperatorError(`${file} cannot be replaced, because another program uses it, or otherwise: ${reason}.`);
  }
}

/** Keeps the old database under another name: as a copy, so that the file under its own name is never missing. */
async function keep(file: string, old: BetterSqlite3.Database | null, kept: string): Promise<void> {
  await createPrivate(kept);
  const isCopied = await old?.backup(kept).then(
    () => true,
    () => false,
  );
  if (!isCopied) {
    await copyFile(file, kept);
    for (const end of besides) if (existsSync(`${file}${end}`)) await rename(`${file}${end}`, `${kept}${end}`);
  }
  await toDisk(kept);
}
