import BetterSqlite3 from 'better-sqlite3';
import { OperatorError } from '../../../errors.ts';
import type { DatabaseFacts } from '../../dialect.ts';
import type { Migration } from '../../migrations.ts';

/**
 * Checks that a file is a healthy database of this server: its pages and indexes, its foreign keys and its migrations.
 * Returns what it holds.
 *
 * @throws OperatorError that says what is wrong with it
 */
export function inspect(file: string): DatabaseFacts {
  const connection = openReadOnly(file);
  try {
    const list = (sql: string) => connection.prepare<[], string>(sql).pluck().all();
    const count = (sql: string) => connection.prepare<[], number>(sql).pluck().get() ?? 0;
    const [health = ''] = list('PRAGMA integrity_check(1)');
    if (health !== 'ok') throw isUnhealthy(file, health);
    const [orphan] = list('PRAGMA foreign_key_check');
    if (orphan !== undefined) throw isUnhealthy(file, `a row of ${orphan} refers to a row that does not exist`);
    const migrations = list(`SELECT "migration_name" FROM "_prisma_migrations"
      WHERE "finished_at" IS NOT NULL AND "rolled_back_at" IS NULL ORDER BY "migration_name"`);
    return {
      migrations,
      users: count('SELECT count(*) FROM "User"'),
      liveSessions: count(`SELECT count(*) FROM "Session" WHERE "hashedSessionToken" IS NOT NULL
        AND "expiresAt" > CAST(unixepoch('subsec') * 1000 AS INTEGER)`),
      bytes: count('SELECT page_count * page_size FROM pragma_page_count, pragma_page_size'),
    };
  } catch (error) {
    throw error instanceof OperatorError ? error : isUnhealthy(file, (error as Error).message);
  } finally {
    connection.close();
  }
}

/** Refuses a database of a newer version of this server, whose data this version may not know how to keep. */
export function requireKnown(file: string, { migrations }: DatabaseFacts, known: Migration[]): void {
  const names = new Set(known.map(({ name }) => name));
  if (!migrations.includes(known[0]?.name ?? '')) throw isUnhealthy(file, 'it lacks the first migration');
  const unknown = migrations.find((name) => !names.has(name));
  if (unknown === undefined) return;
  throw new OperatorError(
    `${file} was written by a newer version of this server: it has the migration ${unknown}. Use that version.`,
  );
}

/** Copies a database into an empty file, with everything that was committed when the copy began. */
export function copyInto(file: string, target: string): void {
  const connection = openReadOnly(file);
  try {
    connection.prepare('VACUUM INTO ?').run(target);
  } catch (error) {
    throw new OperatorError(`${file} cannot be copied to ${target}: ${(error as Error).message}.`);
  } finally {
    connection.close();
  }
}

function openReadOnly(file: string): BetterSqlite3.Database {
  try {
    return new BetterSqlite3(file, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw new OperatorError(`${file} cannot be opened: ${(error as Error).message}.`);
  }
}

function isUnhealthy(file: string, problem: string): OperatorError {
  return new OperatorError(`${file} is not a healthy database of this server: ${problem}.`);
}
