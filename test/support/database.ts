import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { inject, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { takeDatabase } from './postgresql-databases.ts';

/** Creates a folder for the test, and deletes it when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Returns the URL of the test's own migrated database without rows, of the kind that the tests run on. */
export async function emptyDatabase(): Promise<string> {
  const template = inject('templateDatabase');
  return isPostgresql(template) ? takeDatabase(template) : copyOfFile(template);
}

export function isPostgresql(url: string): boolean {
  return url.startsWith('postgresql:');
}

async function copyOfFile(template: string): Promise<string> {
  const file = join(await temporaryFolder(), 'test.db');
  await copyFile(template.replace('file:', ''), file);
  return `file:${file}`;
}

/** Each connection to PostgreSQL is a process that has to start. */
const poolSize = inject('isShort') ? 3 : 10;

export type TestDatabase = {
  database: Database;
  url: string;
  /** The SQL of every statement that was sent since the test last emptied this. */
  statements: string[];
};

/** Opens a migrated database without rows, until the test ends. */
export async function openEmptyDatabase(): Promise<TestDatabase> {
  const url = await emptyDatabase();
  const statements: string[] = [];
  const database = await openDatabase(url, { onQuery: (sql) => statements.push(sql), poolSize });
  // No test with this database loses power. The tests of durability start servers.
  if (!isPostgresql(url)) await database.$queryRawUnsafe('PRAGMA synchronous = OFF');
  onTestFinished(() => database.$disconnect());
  return { database, url, statements };
}

/** Opens a connection to an SQLite file without Prisma, to read its real contents. */
export function openFile(url: string): BetterSqlite3.Database {
  const file = new BetterSqlite3(url.replace(/^file:/, ''));
  onTestFinished(() => void file.close());
  return file;
}

/** Makes the database refuse every row that is added to a table from now on. */
export async function refuseRows({ database, url }: Pick<TestDatabase, 'database' | 'url'>, table: string) {
  const on = `CREATE TRIGGER "Refuse" BEFORE INSERT ON "${table}"`;
  const statements = isPostgresql(url)
    ? [
        `CREATE FUNCTION "refuse"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no rows for ${table}'; END $$`,
        `${on} FOR EACH ROW EXECUTE FUNCTION "refuse"()`,
      ]
    : [`${on} BEGIN SELECT RAISE(ABORT, 'no rows for ${table}'); END`];
  for (const statement of statements) await database.$executeRawUnsafe(statement);
}

/** Counts the rows of Session that are updated from now on, by a trigger in the database itself. */
export async function countUpdates({ database, url }: TestDatabase): Promise<() => Promise<number>> {
  await database.$executeRawUnsafe('CREATE TABLE "Updates" ("at" INTEGER)');
  if (isPostgresql(url)) {
    await database.$executeRawUnsafe(
      `CREATE FUNCTION note() RETURNS trigger AS $$ BEGIN INSERT INTO "Updates" VALUES (1); RETURN NULL; END $$ LANGUAGE plpgsql`,
    );
    await database.$executeRawUnsafe(
      'CREATE TRIGGER "note" AFTER UPDATE ON "Session" FOR EACH ROW EXECUTE FUNCTION note()',
    );
  } else {
    await database.$executeRawUnsafe(
      'CREATE TRIGGER "note" AFTER UPDATE ON "Session" BEGIN INSERT INTO "Updates" VALUES (1); END',
    );
  }
  return async () => {
    const [row] = await database.$queryRawUnsafe<[{ count: bigint }]>('SELECT count(*) AS count FROM "Updates"');
    return Number(row.count);
  };
}
