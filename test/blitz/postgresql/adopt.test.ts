import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectDatabase } from '../../../src/blitz/adopt/adopt.ts';
import { migrateDatabase } from '../../../src/database/database.ts';
import { migrationFolders, readMigrations } from '../../../src/database/migrations.ts';
import { adopt, adoptionNow, blitz, serve } from '../../support/blitz.ts';
import { blitzDatabase, type PostgresqlMember } from '../../support/blitz-postgresql.ts';
import { emptyDatabase } from '../../support/database.ts';
import { onServer } from '../../support/postgresql-server.ts';
import { runNode } from '../../support/process.ts';
import { applyByEngine, diagnoseByEngine, inSync } from '../../support/schema-engine.ts';

const plain: PostgresqlMember = {
  indexNames: 0,
  timeType: 'TIMESTAMP(3)',
  roleType: 'TEXT',
  isSessionNullable: true,
  isExpiryNullable: false,
  hasHistory: false,
  isStrange: false,
};

const members: fc.Arbitrary<PostgresqlMember> = fc.record({
  indexNames: fc.constantFrom(0, 1, 2),
  timeType: fc.constantFrom('TIMESTAMP(3)', 'TIMESTAMP', 'TIMESTAMPTZ(3)'),
  roleType: fc.constantFrom('TEXT', 'enum', 'VARCHAR(20)'),
  isSessionNullable: fc.boolean(),
  isExpiryNullable: fc.boolean(),
  hasHistory: fc.boolean(),
  isStrange: fc.boolean(),
});

/** Returns every table with every row, as text. */
async function dump(url: string): Promise<Record<string, Record<string, unknown>[]>> {
  const tables = await onServer(url, `SELECT "tablename" AS "name" FROM pg_tables WHERE "schemaname" = 'public'`);
  const rows = tables.map(async ({ name }) => [name, await onServer(url, rowsOf(String(name)))] as const);
  return Object.fromEntries(await Promise.all(rows));
}

function rowsOf(table: string): string {
  return `SELECT to_jsonb(t) AS "row" FROM "${table}" t ORDER BY 1`;
}

async function columnsOf(url: string) {
  return onServer(
    url,
    `SELECT "table_name", "column_name", "data_type", "datetime_precision", "is_nullable" FROM information_schema.columns
       WHERE "table_schema" = 'public' ORDER BY 1, 2`,
  );
}

/** Returns the indexes, constraints and triggers, with their statements. */
async function objectsOf(url: string): Promise<string[]> {
  const rows = await onServer(
    url,
    `SELECT pg_get_indexdef("indexrelid") AS "sql" FROM pg_index i JOIN pg_class c ON c."oid" = i."indrelid"
         WHERE c."relnamespace" = 'public'::regnamespace
       UNION ALL SELECT "conname"::text || pg_get_constraintdef("oid") FROM pg_constraint
         WHERE "connamespace" = 'public'::regnamespace AND "contype" = 'f'
       UNION ALL SELECT "tgenabled"::text || pg_get_triggerdef("oid") FROM pg_trigger WHERE NOT "tgisinternal"`,
  );
  return rows.map(({ sql }) => String(sql));
}

describe('adoption of a PostgreSQL database', () => {
  it('loses no data of any variant of the schema, and results in the schema of this server', {
    tags: ['slow/property'],
  }, async () => {
    const fresh = await emptyDatabase();
    const [columns, objects] = [await columnsOf(fresh), await objectsOf(fresh)];
    await fc.assert(
      fc.asyncProperty(members, async (member) => {
        const url = await blitzDatabase(member);
        const [before, objectsBefore] = [await dump(url), await objectsOf(url)];
        await adopt(url, { plaintext: 'reset' });
        const after = await dump(url);
        for (const [table, rows] of Object.entries(before)) {
          if (table === 'User') expectUsers(rows, after);
          else if (table === 'Session') expectSessions(rows, after);
          else expect(after[table], table).toEqual(expect.arrayContaining(rows));
        }
        expect(await columnsOf(url)).toEqual(expect.arrayContaining(columns));
        expect(await objectsOf(url)).toEqual(expect.arrayContaining(objects));
        const own = objectsBefore.filter(
          (sql) => !/(email|handle)["._].*(User|Session)"?|Session_userId_fkey/.test(sql),
        );
        expect(await objectsOf(url)).toEqual(expect.arrayContaining(own));
        const insert = `INSERT INTO "User" ("updatedAt", "email", "role") VALUES (now(), 'x@example.com', 'user') RETURNING "id"`;
        expect(await onServer(url, insert)).toEqual([{ id: '10' }]);
        expect(await migrateDatabase(url)).toEqual([]);
        expect(await adopt(url)).toBeNull();
      }),
      { numRuns: 12 },
    );
  });
});

type Rows = Record<string, unknown>[];

function valuesOf(rows: Rows | undefined): Record<string, unknown>[] {
  const values = (rows ?? []).map(({ row }) => row as Record<string, unknown>);
  return values.sort((a, b) => Number(a.id) - Number(b.id));
}

function expectUsers(before: Rows, after: Record<string, Rows>): void {
  const wanted = valuesOf(before).map((row) => ({
    ...row,
    hashedPassword: row.hashedPassword === 'hunter2hunter2' ? null : row.hashedPassword,
    createdAt: '2020-07-04T18:12:58.123',
    updatedAt: '2020-07-04T18:12:58',
  }));
  expect(valuesOf(after.User)).toMatchObject(wanted);
}

function expectSessions(before: Rows, after: Record<string, Rows>): void {
  const wanted = valuesOf(before).map((row) => ({
    ...row,
    createdAt: expect.any(String),
    updatedAt: expect.stringMatching(/^2020-07-04T18:12:5(8\.999|9(\.000)?)$/),
    expiresAt: row.expiresAt === null ? '2026-12-22T12:00:00' : '2099-06-15T13:37:42.123',
  }));
  expect(valuesOf(after.Session)).toMatchObject(wanted);
}

describe('adoption on PostgreSQL', () => {
  it.each([
    [
      'ids that are text',
      'ALTER TABLE "Token" DROP CONSTRAINT "Token_userId_fkey"; DROP TABLE "User" CASCADE; CREATE TABLE "User" ("id" TEXT PRIMARY KEY)',
      /User\.id is of the type text/,
    ],
    [
      'a table of its own that is called as ours',
      'CREATE TABLE "Mail" ("id" INTEGER)',
      /There is a table Mail that is not/,
    ],
    [
      'a column of its own that is called as ours',
      'ALTER TABLE "User" ADD COLUMN "suspendedAt" DATE',
      /User has a column suspendedAt/,
    ],
    [
      'a time without end',
      `UPDATE "Session" SET "expiresAt" = 'infinity' WHERE "id" = 3`,
      /Session\.expiresAt of the id 3 is not a time: "infinity"/,
    ],
    ['ids that it does not count', 'ALTER TABLE "User" ALTER COLUMN "id" DROP DEFAULT', /does not generate the ids/],
  ])('refuses a database with %s', async (_what, sql, reason) => {
    const url = await blitzDatabase(plain);
    await onServer(url, sql);
    const before = [await dump(url), await columnsOf(url)];
    await expect(adopt(url)).rejects.toThrow(reason);
    expect([await dump(url), await columnsOf(url)]).toEqual(before);
  });

  it('refuses a database in another schema', async () => {
    const url = new URL(await blitzDatabase(plain));
    await onServer(url.href, 'CREATE SCHEMA "app"');
    url.searchParams.set('options', '-csearch_path=app');
    await expect(adopt(url.href)).rejects.toThrow(/which cannot be used: its schema is app/);
  });

  it('refuses a database with objects that depend on it, and leaves it unchanged', async () => {
    const url = await blitzDatabase({ ...plain, timeType: 'TIMESTAMPTZ(3)' });
    await onServer(url, 'CREATE VIEW "Recent" AS SELECT "createdAt" FROM "User"');
    const before = [await dump(url), await columnsOf(url), await objectsOf(url)];
    await expect(adopt(url)).rejects.toThrow(/^The adoption failed, and nothing was changed: .*view/);
    expect([await dump(url), await columnsOf(url), await objectsOf(url)]).toEqual(before);
  });
});

describe('interrupted adoption on PostgreSQL', () => {
  it('leaves the database unchanged, and can be repeated', { tags: ['slow/durability'] }, async () => {
    const url = await blitzDatabase({ ...plain, timeType: 'TIMESTAMP' });
    await onServer(
      url,
      `INSERT INTO "Session" ("updatedAt", "expiresAt", "handle") SELECT now(), now(), 'x' || i FROM generate_series(1, 40000) i`,
    );
    const before = [await columnsOf(url), await objectsOf(url)];
    const env = { DATABASE_URL: url };
    const { child, ended } = runNode('src/cli.ts', ['adopt', '--apply', '--hash-plaintext'], env);
    const locks = `SELECT 1 FROM pg_locks WHERE "mode" = 'AccessExclusiveLock' AND "relation" = '"Session"'::regclass`;
    while ((await onServer(url, locks)).length === 0 && child.exitCode === null) await sleep(1);
    child.kill('SIGKILL');
    expect((await ended).code).toBeNull();
    while ((await onServer(url, locks)).length > 0) await sleep(10);
    expect([await columnsOf(url), await objectsOf(url)]).toEqual(before);
    expect(await adopt(url)).not.toBeNull();
    expect(await onServer(url, `SELECT count(*)::int AS "count" FROM "User"`)).toEqual([{ count: blitz.users.length }]);
  });
});

describe('PostgreSQL database before adoption', () => {
  it('is refused by the server, with the way out', async () => {
    const url = await blitzDatabase(plain);
    await expect(migrateDatabase(url)).rejects.toThrow(/^The database contains users of another application/);
    const facts = await inspectDatabase(url, adoptionNow);
    expect(facts?.converted).toEqual([]);
    await onServer(url, `CREATE TYPE "Kind" AS ENUM ('user', 'admin', 'USER', 'ADMIN', 'owner')`);
    await onServer(
      url,
      `ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT, ALTER COLUMN "role" TYPE "Kind" USING "role"::text::"Kind"`,
    );
    const converted = await inspectDatabase(url, adoptionNow);
    expect(converted?.converted).toEqual([{ table: 'User', column: 'role', type: '"Kind"' }]);
  });
});

describe('PostgreSQL database after adoption', () => {
  it('has a history that Prisma’s schema engine accepts as its own', async () => {
    const url = await blitzDatabase(plain);
    await adopt(url, { plaintext: 'reset' });
    const history = await readMigrations(migrationFolders.postgresql);
    expect(await diagnoseByEngine('postgresql', url, history)).toEqual(inSync);
    expect(await applyByEngine('postgresql', url, history)).toEqual([]);
  });

  it('lets all users log in with their passwords', async () => {
    const url = await blitzDatabase(plain);
    await adopt(url);
    const { client } = await serve(url);
    for (const { email, password } of blitz.users) {
      const answer = await client().login(email.toUpperCase(), 'BEARER', password);
      expect(answer, email).toMatchObject({ __typename: 'SignInPayload', viewer: { email } });
    }
  });

  it('refuses passwords in plain text unless an option decides what happens to them', async () => {
    const url = await blitzDatabase(plain);
    const before = await columnsOf(url);
    await expect(adopt(url, { plaintext: 'refuse' })).rejects.toThrow(/^1 password is stored as plain text/);
    expect(await columnsOf(url)).toEqual(before);
  });
});
