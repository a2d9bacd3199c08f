/** @module-tag slow/migration */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrateDatabase, openDatabase } from '../../../src/database/database.ts';
import { type Migration, migrationFolders, readMigrations } from '../../../src/database/migrations.ts';
import { migratePostgresql } from '../../../src/database/postgresql/migrate.ts';
import type { OperatorNotice } from '../../../src/errors.ts';
import { blankDatabase, migratedDatabase } from '../../support/postgresql-databases.ts';
import { onServer, urlOf } from '../../support/postgresql-server.ts';
import { diagnoseByEngine, inSync } from '../../support/schema-engine.ts';

const history = await readMigrations(migrationFolders.postgresql);
const column = { name: '29990101000000_column', sql: 'ALTER TABLE "User" ADD COLUMN "locale" TEXT;\n' };
const index = {
  name: '29990101000001_index',
  sql: '-- CreateIndex\nCREATE INDEX "User_name_idx" ON "User"("name");\n',
};
const unique = {
  name: '29990101000002_unique',
  sql: 'CREATE UNIQUE INDEX "User_name_role_key" ON "User"("name", "role");\n',
};

/** A migrated database. `users` is large enough for an index that is built outside a transaction. */
async function databaseWith(users: 'no users' | 'many users'): Promise<string> {
  const url = await migratedDatabase();
  if (users === 'many users') {
    await onServer(
      url,
      `INSERT INTO "User" ("updatedAt", "email", "role", "name")
         SELECT now(), i || '@example.com', 'user', i || repeat('x', 1900) FROM generate_series(1, 5000) i`,
    );
  }
  return url;
}

/** A transaction that has read users, as pg_dump keeps one open. */
async function dump(url: string): Promise<{ pid: number; end(): Promise<unknown> }> {
  const client = new pg.Client({ connectionString: url, application_name: 'pg_dump' });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  const { rows } = await client.query(`SELECT pg_backend_pid() AS "pid" FROM "User" UNION SELECT pg_backend_pid()`);
  return { pid: rows[0].pid, end: () => client.query('COMMIT') };
}

/** Migrates, and collects what the operator is told. */
function migrateAndListen(url: string, migrations: Migration[], limitMs?: number) {
  const told: string[] = [];
  const report = ({ message }: OperatorNotice) => void told.push(message);
  const migrating = migratePostgresql(url, migrations, { report, ...(limitMs === undefined ? {} : { limitMs }) });
  migrating.catch(() => {});
  return { told, migrating };
}

async function stateOf(url: string, name: string): Promise<{ valid: boolean; oid: number } | undefined> {
  const [row] = await onServer(
    url,
    `SELECT "indisvalid" AS "valid", "oid" FROM pg_index JOIN pg_class ON "oid" = "indexrelid" WHERE "relname" = '${name}'`,
  );
  return row as { valid: boolean; oid: number } | undefined;
}

async function countsOf(url: string, name: string): Promise<number> {
  const rows = await onServer(url, `SELECT 1 FROM _prisma_migrations WHERE migration_name = '${name}'`);
  return rows.length;
}

/** A role with the timeouts that docs/production.md recommends for PgBouncer, but much shorter. */
async function withHastyRole(url: string): Promise<string> {
  const role = `hasty_${randomUUID().slice(0, 8)}`;
  const [{ server_version_num: version } = {}] = await onServer(url, 'SHOW server_version_num');
  const settings = [
    "statement_timeout = '500ms'",
    "idle_in_transaction_session_timeout = '500ms'",
    "default_transaction_isolation = 'serializable'",
    ...(Number(version) >= 170000 ? ["transaction_timeout = '500ms'"] : []),
  ];
  const alter = settings.map((setting) => `ALTER ROLE "${role}" SET ${setting}`);
  await onServer(url, [`CREATE ROLE "${role}" SUPERUSER LOGIN PASSWORD 'hasty'`, ...alter].join('; '));
  onTestFinished(async () => {
    await onServer(urlOf(url, 'postgres'), `DROP ROLE "${role}"`);
  });
  const hasty = new URL(url);
  hasty.username = role;
  hasty.password = 'hasty';
  return hasty.href;
}

describe('a migration that needs a lock on a table', () => {
  it('lets old servers work while a transaction that has read the table is open, and tells which it is', async () => {
    const url = await databaseWith('no users');
    const { pid, end } = await dump(url);
    const { told, migrating } = migrateAndListen(url, [...history, column]);
    // As long as a server waits for a lock.
    const server = new pg.Client({ connectionString: url, lock_timeout: 1_500 });
    await server.connect();
    while (told.length === 0) await server.query('SELECT count(*) FROM "User"');
    await server.end();
    expect(told[0]).toMatch(
      new RegExp(
        `^The migration ${column.name} needs a lock that the process ${pid} of PostgreSQL \\(pg_dump, transaction since ` +
          '20\\S+Z, last statement at 20\\S+Z\\) has\\. It lets the servers go first, and tries again in \\d\\.\\d s\\.$',
      ),
    );
    await end();
    expect(await migrating).toEqual([column.name]);
  });

  it('gives up after a time, and leaves nothing', async () => {
    const url = await databaseWith('no users');
    const { pid } = await dump(url);
    await expect(migrateAndListen(url, [...history, column], 0).migrating).rejects.toThrow(
      new RegExp(`^The migration ${column.name} needs a lock that the process ${pid} .*Nothing of it was changed\\.`),
    );
    expect(await countsOf(url, column.name)).toBe(0);
    await onServer(url, 'ALTER TABLE "Mail" ADD COLUMN "note" TEXT');
  });

  it('keeps the migrations before, and no lock of theirs', async () => {
    const url = await databaseWith('no users');
    await dump(url);
    const first = { name: '29980101000000_first', sql: 'ALTER TABLE "Session" ADD COLUMN "note" TEXT;' };
    const { told, migrating } = migrateAndListen(url, [...history, first, column], 1_000);
    await expect.poll(() => countsOf(url, first.name)).toBe(1);
    await onServer(url, 'SELECT count(*) FROM "Session"');
    await expect(migrating).rejects.toThrow(column.name);
    expect(told.join()).not.toContain(first.name);
  });
});

describe('a migration that only makes indexes', () => {
  it('lets writes to a large table go on, also while it waits for old transactions', {
    tags: ['slow/timing'],
  }, async () => {
    const url = await databaseWith('many users');
    const { pid, end } = await dump(url);
    const { told, migrating } = migrateAndListen(url, [...history, index]);
    await expect.poll(() => stateOf(url, 'User_name_idx')).toMatchObject({ valid: false });
    await onServer(url, `SET lock_timeout = '200ms'; UPDATE "User" SET "role" = 'admin' WHERE "id" = 1`);
    await expect.poll(() => told.at(-1)).toMatch(`waits for the end of the process ${pid} of PostgreSQL (pg_dump, `);
    expect(told[0]).toBe('Builds the index User_name_idx on User. Reads and writes go on meanwhile.');
    await end();
    expect(await migrating).toEqual([index.name]);
    expect(await stateOf(url, 'User_name_idx')).toMatchObject({ valid: true });
    expect(await diagnoseByEngine('postgresql', url, [...history, index])).toEqual(inSync);
  });

  it('builds those of a small table in a transaction, which waits for no reader', async () => {
    const url = await databaseWith('no users');
    await dump(url);
    const { told, migrating } = migrateAndListen(url, [...history, index]);
    expect(await migrating).toEqual([index.name]);
    expect(told).toEqual([]);
  });

  it('runs once for several servers', { tags: ['slow/timing'] }, async () => {
    const url = await databaseWith('many users');
    const { end } = await dump(url);
    const runs = [1, 2, 3].map(() => migrateAndListen(url, [...history, index, unique]));
    await expect.poll(() => runs.flatMap(({ told }) => told).join()).toMatch(/Waits for a migration that the process/);
    await end();
    const results = await Promise.all(runs.map(({ migrating }) => migrating));
    expect(results.flat().sort()).toEqual([index.name, unique.name]);
    expect([await countsOf(url, index.name), await countsOf(url, unique.name)]).toEqual([1, 1]);
    expect(await stateOf(url, 'User_name_role_key')).toMatchObject({ valid: true });
  });

  it('replaces the invalid index of an interrupted build, and keeps a valid one', async () => {
    const url = await databaseWith('no users');
    await onServer(url, index.sql);
    await onServer(url, `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"User_name_idx"'::regclass`);
    await onServer(url, unique.sql);
    const before = await stateOf(url, 'User_name_role_key');
    const { told, migrating } = migrateAndListen(url, [...history, index, unique]);
    expect(await migrating).toEqual([index.name, unique.name]);
    expect(told[0]).toBe('Drops the incomplete index User_name_idx of an interrupted build.');
    expect(await stateOf(url, 'User_name_idx')).toMatchObject({ valid: true });
    expect(await stateOf(url, 'User_name_role_key')).toEqual(before);
  });

  it('waits for the build of a server that was killed, which PostgreSQL continues', {
    tags: ['slow/timing'],
  }, async () => {
    const url = await databaseWith('many users');
    const { end } = await dump(url);
    const killed = new pg.Client({ connectionString: url });
    await killed.connect();
    const built = killed.query(index.sql.replace('INDEX', 'INDEX CONCURRENTLY'));
    await expect.poll(() => stateOf(url, 'User_name_idx')).toMatchObject({ valid: false });
    const before = await stateOf(url, 'User_name_idx');
    const { told, migrating } = migrateAndListen(url, [...history, index]);
    await expect.poll(() => told.at(-1)).toMatch(/^Waits for the process \d+ of PostgreSQL, which still builds/);
    await end();
    expect(await migrating).toEqual([index.name]);
    await built;
    await killed.end();
    expect(await stateOf(url, 'User_name_idx')).toEqual({ ...before, valid: true });
  });

  it('leaves no index when the rows do not allow a unique one, and refuses another one of its name', async () => {
    const url = await databaseWith('many users');
    await onServer(url, `UPDATE "User" SET "name" = 'same' WHERE "id" < 3`);
    await expect(migrateAndListen(url, [...history, unique]).migrating).rejects.toThrow(
      /^The migration 29990101000002_unique failed, and changed nothing: could not create unique index/,
    );
    expect(await stateOf(url, 'User_name_role_key')).toBeUndefined();
    expect(await countsOf(url, unique.name)).toBe(0);
    await onServer(url, 'CREATE INDEX "User_name_role_key" ON "User"("role")');
    await expect(migrateAndListen(url, [...history, unique]).migrating).rejects.toThrow(
      'There is another index User_name_role_key, on User. Rename it, and start again.',
    );
  });
});

describe('migrations for a role with short timeouts', () => {
  it('are not canceled, also where it has a snapshot for a whole transaction', { tags: ['slow/timing'] }, async () => {
    const url = await databaseWith('many users');
    await onServer(
      url,
      `CREATE FUNCTION "slowly"(email TEXT) RETURNS TEXT IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
         IF email = '7@example.com' THEN PERFORM pg_sleep(0.7); END IF; RETURN email; END $$`,
    );
    const slow = { name: '29990101000003_slow', sql: 'SELECT pg_sleep(0.7)' };
    const slowIndex = { name: '29990101000004_slow', sql: 'CREATE INDEX "User_slow_idx" ON "User"("slowly"("email"))' };
    const hasty = await withHastyRole(url);
    await expect(onServer(hasty, slow.sql)).rejects.toThrow(/due to (statement|transaction) timeout/);
    expect(await migratePostgresql(hasty, [...history, slow, slowIndex])).toEqual([slow.name, slowIndex.name]);
    expect(await stateOf(url, 'User_slow_idx')).toMatchObject({ valid: true });
  });

  it.each(['repeatable read', 'serializable'])(
    'apply once for servers that start at once on an empty database, with %s by default',
    async (isolation) => {
      const url = await blankDatabase();
      await onServer(
        url,
        `ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET default_transaction_isolation TO '${isolation}'`,
      );
      const started = await Promise.all(
        [1, 2, 3, 4].map(async () => {
          const names = await migrateDatabase(url);
          const database = await openDatabase(url, { poolSize: 1 });
          return { names, users: await database.user.count().finally(() => database.$disconnect()) };
        }),
      );
      expect(started.flatMap(({ names }) => names)).toEqual(history.map(({ name }) => name));
      expect(started.map(({ users }) => users)).toEqual([0, 0, 0, 0]);
    },
  );
});
