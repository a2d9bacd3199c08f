import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { inject, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';

/** A folder of the test's own, gone when it ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The URL of a migrated database without rows, of the test's own. */
export async function emptyDatabase(): Promise<string> {
  const file = join(await temporaryFolder(), 'test.db');
  await copyFile(inject('templateDatabase'), file);
  return `file:${file}`;
}

export type TestDatabase = {
  database: Database;
  url: string;
  /** The SQL of every statement that was sent since the test last emptied this. */
  statements: string[];
};

/** A migrated database without rows, open until the test ends. */
export async function openEmptyDatabase(): Promise<TestDatabase> {
  const url = await emptyDatabase();
  const statements: string[] = [];
  const database = await openDatabase(url, { onQuery: (sql) => statements.push(sql) });
  onTestFinished(() => database.$disconnect());
  return { database, url, statements };
}

/** A connection past Prisma, to see what is really in the file. */
export function openFile(url: string): BetterSqlite3.Database {
  const file = new BetterSqlite3(url.replace(/^file:/, ''));
  onTestFinished(() => void file.close());
  return file;
}
