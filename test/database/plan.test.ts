import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { migrateDatabase, openDatabase, planMigrations } from '../../src/database/database.ts';
import { migrationFolders, readMigrations } from '../../src/database/migrations.ts';
import { locksOf, onlyIndexes, statementsOf } from '../../src/database/plan/statements.ts';
import { emptyDatabase, isPostgresql, openFile } from '../support/database.ts';
import { blankDatabase, migratedDatabase } from '../support/postgresql-databases.ts';
import { onServer } from '../support/postgresql-server.ts';

const onPostgresql = isPostgresql(inject('templateDatabase'));
const history = await readMigrations(migrationFolders[onPostgresql ? 'postgresql' : 'sqlite']);
const names = history.map(({ name }) => name);

/** A migrated database, whose history the test may change. */
function ownDatabase(): Promise<string> {
  return onPostgresql ? migratedDatabase() : emptyDatabase();
}

/** Runs SQL past the server. */
async function change(url: string, sql: string): Promise<void> {
  if (onPostgresql) await onServer(url, sql);
  else openFile(url).exec(sql);
}

/** Makes a migration missing, as for a server of a newer version. */
async function forget(url: string, name: string): Promise<void> {
  await change(url, `DELETE FROM _prisma_migrations WHERE migration_name = '${name}'`);
}

async function historyOf(url: string): Promise<unknown> {
  const database = await openDatabase(url, { poolSize: 1 });
  return database.$queryRaw`SELECT id, migration_name FROM _prisma_migrations ORDER BY 2`.finally(() =>
    database.$disconnect(),
  );
}

describe('plan of a migration', () => {
  it('has the missing migrations, their tables and locks, and changes nothing', async () => {
    const url = await ownDatabase();
    expect(await planMigrations(url)).toEqual([]);
    await forget(url, '20261126124000_end_reasons');
    await forget(url, '20261126160000_signing_keys');
    const before = await historyOf(url);
    const planned = await planMigrations(url);
    expect(planned).toMatchObject([
      {
        name: '20261126124000_end_reasons',
        mode: 'TRANSACTION',
        hasCode: false,
        tables: [{ name: 'Session', lock: onPostgresql ? 'ACCESS EXCLUSIVE' : 'FILE' }],
        sql: expect.stringContaining('ADD COLUMN'),
      },
      { name: '20261126160000_signing_keys', tables: [{ name: 'SigningKey' }] },
    ]);
    expect(await historyOf(url)).toEqual(before);
  });

  it('has the whole history for a new database, and creates no file', async () => {
    const url = onPostgresql ? await blankDatabase() : `${await emptyDatabase()}.new`;
    const planned = await planMigrations(url);
    expect(planned.map(({ name }) => name)).toEqual(names);
    expect(new Set(planned.map(({ mode }) => mode))).toEqual(new Set(['TRANSACTION']));
    expect(planned[0]?.tables.map(({ name, lock, bytes }) => [name, lock, bytes])).toEqual([
      ['User', 'NEW', null],
      ['Session', 'NEW', null],
    ]);
    if (onPostgresql) expect(await onServer(url, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
    else expect(await readdir(dirname(url.slice('file:'.length)))).toEqual(['test.db']);
  });

  it.runIf(!onPostgresql)('leaves no write-ahead log beside a database that no server has open', async () => {
    const url = `${await emptyDatabase()}.new`;
    await migrateDatabase(url);
    await planMigrations(url);
    expect((await readdir(dirname(url.slice('file:'.length)))).sort()).toEqual(['test.db', 'test.db.new']);
  });

  it('refuses a database of another application', async () => {
    const url = onPostgresql ? await blankDatabase() : `${await emptyDatabase()}.new`;
    await change(url, 'CREATE TABLE "Song" ("id" INTEGER)');
    await expect(planMigrations(url)).rejects.toThrow(/^The database contains tables of another application/);
  });

  it.runIf(onPostgresql)(
    'has the size of the tables, and says which indexes are built outside a transaction',
    async () => {
      const url = await ownDatabase();
      await forget(url, '20261122234500_email_case');
      await onServer(url, 'DROP INDEX "User_email_lower_idx"');
      const [small] = await planMigrations(url);
      expect(small).toMatchObject({ mode: 'TRANSACTION', tables: [{ name: 'User', lock: 'SHARE' }] });
      await onServer(
        url,
        `INSERT INTO "User" ("updatedAt", "email", "role", "name")
         SELECT now(), i || '@example.com', 'user', repeat('x', 1900) FROM generate_series(1, 5000) i`,
      );
      await onServer(url, 'ANALYZE "User"');
      const [large] = await planMigrations(url);
      expect(large).toMatchObject({
        mode: 'CONCURRENT',
        tables: [{ name: 'User', lock: 'SHARE UPDATE EXCLUSIVE', rows: 5000 }],
      });
      expect(large?.tables[0]?.bytes).toBeGreaterThan(8_000_000);
      await migrateDatabase(url);
      expect(await planMigrations(url)).toEqual([]);
    },
  );
});

describe('statements of a migration', () => {
  it('are separated where Prisma ends them, and not in a body of code', () => {
    const sql = `-- A comment; with a semicolon
      CREATE TABLE "A" ("x" TEXT DEFAULT ';');
      DO $$ BEGIN
        PERFORM 1;
      END $$;
      UPDATE "A" SET "x" = 'a;b'`;
    expect(statementsOf(sql).map((statement) => statement.slice(0, 10))).toEqual([
      'CREATE TAB',
      'DO $$ BEGI',
      'UPDATE "A"',
    ]);
  });

  it('need the strongest lock of each table', () => {
    const sql = `ALTER TABLE "A" ADD COLUMN "x" TEXT;
      CREATE INDEX "A_x_idx" ON "A"("x");
      UPDATE "C" SET "x" = 1;
      CREATE TABLE "B" ("x" TEXT);
      ALTER TABLE "B" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "C"("x");`;
    expect([...locksOf(sql)]).toEqual([
      ['A', 'ACCESS EXCLUSIVE'],
      ['C', 'SHARE ROW EXCLUSIVE'],
      ['B', 'NEW'],
    ]);
  });

  it('are only indexes if there is nothing else', () => {
    const sql = `-- CreateIndex
      CREATE UNIQUE INDEX "A_x_key" ON "A"(lower("x"))
        WHERE "x" IS NOT NULL;
      CREATE INDEX "B_y_idx" ON "B"("y");`;
    expect(onlyIndexes(sql)).toMatchObject([
      { name: 'A_x_key', table: 'A', isUnique: true },
      { name: 'B_y_idx', table: 'B', isUnique: false, definition: 'ON "B"("y")' },
    ]);
    expect(onlyIndexes(`${sql}\nUPDATE "A" SET "x" = 1;`)).toBeNull();
    expect(onlyIndexes('-- Nothing')).toBeNull();
  });
});

describe('migration history', () => {
  it('makes indexes on tables of earlier migrations by themselves, so that they can be built while writes go on', () => {
    const mixed = history.filter(({ sql }) => {
      const locks = locksOf(sql);
      const ofOthers = statementsOf(sql).filter((statement) => {
        const [, table = ''] = /^CREATE (?:UNIQUE )?INDEX .*? ON "(\w+)"/.exec(statement) ?? [];
        return table !== '' && locks.get(table) !== 'NEW' && !locks.has(`new_${table}`);
      });
      return ofOthers.length > 0 && onlyIndexes(sql) === null;
    });
    expect(mixed.map(({ name }) => name)).toEqual([]);
  });
});
