/** @module-tag slow/migration */
import { describe, expect, it } from 'vitest';
import { migrationFolders, readMigrations } from '../../../src/database/migrations.ts';
import { migratePostgresql } from '../../../src/database/postgresql/migrate.ts';
import { blankDatabase } from '../../support/postgresql-databases.ts';
import { onServer, urlOf } from '../../support/postgresql-server.ts';
import { applyByEngine, diagnoseByEngine, inSync } from '../../support/schema-engine.ts';

const history = await readMigrations(migrationFolders.postgresql);
const names = history.map(({ name }) => name);
const broken = {
  name: '29990101000000_broken',
  sql: 'CREATE TABLE "Half" ("id" INTEGER);\nINSERT INTO "Nowhere" VALUES (1);',
};
const mended = { name: broken.name, sql: 'CREATE TABLE "Whole" ("id" INTEGER);' };

const inPublic = `IN (SELECT "oid" FROM pg_class WHERE "relnamespace" = 'public'::regnamespace)`;

/** Returns the catalog of PostgreSQL for the schema, without the numbers of objects. */
const catalogs = [
  `SELECT "oid"::regclass::text, "relkind", "relowner"::regrole::text, "reloptions", "relacl"::text, "relpersistence",
      "relnatts", "relchecks", "relhastriggers" FROM pg_class WHERE "oid" ${inPublic} ORDER BY 1`,
  `SELECT "attrelid"::regclass::text, "attnum", "attname", format_type("atttypid", "atttypmod") AS "type", "attnotnull",
      "attcollation", "attidentity", "attisdropped", "attoptions", pg_get_expr("adbin", "adrelid") AS "default"
      FROM pg_attribute LEFT JOIN pg_attrdef ON "adrelid" = "attrelid" AND "adnum" = "attnum"
      WHERE "attrelid" ${inPublic} ORDER BY 1, 2`,
  `SELECT "conrelid"::regclass::text, "conname", "contype", pg_get_constraintdef("oid"), "conindid"::regclass::text
      FROM pg_constraint WHERE "connamespace" = 'public'::regnamespace ORDER BY 1, 2`,
  `SELECT "tablename", "indexname", "indexdef" FROM pg_indexes WHERE "schemaname" = 'public' ORDER BY 1, 2`,
  `SELECT * FROM pg_sequences WHERE "schemaname" = 'public' ORDER BY "sequencename"`,
  `SELECT "refobjid"::regclass::text, "refobjsubid", "objid"::regclass::text, "deptype" FROM pg_depend
      WHERE "classid" = 'pg_class'::regclass AND "refclassid" = 'pg_class'::regclass AND "objid" ${inPublic}
      ORDER BY 1, 2, 3`,
  `SELECT "nspname" FROM pg_namespace WHERE "nspname" !~ '^pg_(toast_)?temp_' ORDER BY 1`,
  `SELECT "typname", "typtype" FROM pg_type WHERE "typnamespace" = 'public'::regnamespace ORDER BY 1`,
  `SELECT "proname" FROM pg_proc WHERE "pronamespace" = 'public'::regnamespace ORDER BY 1`,
];

async function schemaOf(url: string): Promise<unknown[][]> {
  return Promise.all(catalogs.map((sql) => onServer(url, sql)));
}

function tablesOf(url: string): Promise<unknown[]> {
  return onServer(url, `SELECT "tablename" FROM pg_tables WHERE "schemaname" = 'public'`);
}

/** Returns the rows of the history, without their unique values, and the precision of their times. */
function historyOf(url: string): Promise<unknown[]> {
  return onServer(
    url,
    `SELECT checksum, migration_name, logs, rolled_back_at, applied_steps_count, length(id) AS "idLength",
        started_at = date_trunc('milliseconds', started_at) AS "isStartWhole",
        finished_at = date_trunc('milliseconds', finished_at) AS "isEndWhole"
       FROM _prisma_migrations ORDER BY migration_name`,
  );
}

function allRows(url: string): Promise<unknown[]> {
  return onServer(url, 'SELECT *, ctid, xmin FROM _prisma_migrations ORDER BY migration_name');
}

describe('migration runner of PostgreSQL, compared with Prisma’s schema engine', () => {
  it('creates the same schema, as its catalogs tell, and the same history', async () => {
    const [ours, theirs] = [await blankDatabase(), await blankDatabase()];
    expect(await migratePostgresql(ours, history)).toEqual(names);
    expect(await applyByEngine('postgresql', theirs, history)).toEqual(names);
    const schema = await schemaOf(ours);
    expect(schema.slice(0, 7).every((rows) => rows.length > 0)).toBe(true);
    expect(schema).toEqual(await schemaOf(theirs));
    expect(await historyOf(ours)).toHaveLength(history.length);
    expect(await historyOf(ours)).toEqual(await historyOf(theirs));
  });

  it('records a random id, and the start and end of each migration, in every time zone', async () => {
    const url = await blankDatabase();
    await onServer(url, `ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET timezone TO 'Asia/Tokyo'`);
    const began = Date.now();
    await migratePostgresql(url, history);
    const ended = Date.now();
    const rows = await onServer(
      url,
      'SELECT id, started_at, finished_at FROM _prisma_migrations ORDER BY migration_name',
    );
    const times = rows.flatMap((row) => [row.started_at.getTime(), row.finished_at.getTime()]);
    expect([began, ...times, ended]).toEqual([began, ...times, ended].sort((a, b) => a - b));
    for (const { id } of rows)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(history.length);
  });

  it('leaves the engine nothing to do', async () => {
    const url = await blankDatabase();
    await migratePostgresql(url, history);
    const before = [await schemaOf(url), await allRows(url)];
    expect(await applyByEngine('postgresql', url, history)).toEqual([]);
    expect(await diagnoseByEngine('postgresql', url, history)).toEqual(inSync);
    expect([await schemaOf(url), await allRows(url)]).toEqual(before);
  });

  it('finds nothing to do after the engine', async () => {
    const url = await blankDatabase();
    await applyByEngine('postgresql', url, history);
    const before = [await schemaOf(url), await allRows(url)];
    expect(await migratePostgresql(url, history)).toEqual([]);
    expect([await schemaOf(url), await allRows(url)]).toEqual(before);
  });

  it.each([1, 5])(
    'continues where the engine stopped after %d, and the engine where this one stopped',
    async (done) => {
      const [ours, theirs] = [await blankDatabase(), await blankDatabase()];
      await applyByEngine('postgresql', ours, history.slice(0, done));
      expect(await migratePostgresql(ours, history)).toEqual(names.slice(done));
      await migratePostgresql(theirs, history.slice(0, done));
      expect(await applyByEngine('postgresql', theirs, history)).toEqual(names.slice(done));
      expect(await schemaOf(ours)).toEqual(await schemaOf(theirs));
      expect(await historyOf(ours)).toHaveLength(history.length);
    },
  );
});

describe('migration history of a PostgreSQL database', () => {
  it('is refused with a failed migration, as by the engine, until an operator resolves it', async () => {
    const url = await blankDatabase();
    await migratePostgresql(url, history);
    await onServer(
      url,
      `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', 'c', '${mended.name}')`,
    );
    const before = await schemaOf(url);
    await expect(applyByEngine('postgresql', url, [...history, mended])).rejects.toMatchObject({ code: 'P3009' });
    await expect(migratePostgresql(url, [...history, mended])).rejects.toThrow(
      /^The migration 29990101000000_broken failed earlier, and nothing was changed: .*finished_at nor rolled_back_at/,
    );
    expect(await schemaOf(url)).toEqual(before);
    await onServer(url, `UPDATE _prisma_migrations SET finished_at = now() WHERE id = '1'`);
    expect(await migratePostgresql(url, [...history, mended])).toEqual([]);
    await onServer(url, `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = '1'`);
    expect(await migratePostgresql(url, [...history, mended])).toEqual([mended.name]);
    await onServer(url, `UPDATE _prisma_migrations SET finished_at = NULL WHERE id = '1'`);
    expect(await applyByEngine('postgresql', url, [...history, mended])).toEqual([]);
    expect(await diagnoseByEngine('postgresql', url, [...history, mended])).toEqual(inSync);
  });

  it('is accepted with migrations of a newer version, or with files that were edited since', async () => {
    const url = await blankDatabase();
    await migratePostgresql(url, [...history.slice(0, 3), mended]);
    const edited = history.map(({ name, sql }) => ({ name, sql: `${sql}-- edited\n` }));
    expect(await migratePostgresql(url, edited.slice(0, 3))).toEqual([]);
    expect(await migratePostgresql(url, edited.slice(0, 4))).toEqual(names.slice(3, 4));
    expect(await applyByEngine('postgresql', url, edited.slice(0, 4))).toEqual([]);
  });

  it('is not begun in a database with tables of another application', async () => {
    const url = await blankDatabase();
    await onServer(url, 'CREATE TABLE "Song" ("id" INTEGER)');
    await expect(applyByEngine('postgresql', url, history)).rejects.toMatchObject({ code: 'P3005' });
    await expect(migratePostgresql(url, history)).rejects.toThrow(
      /^The database contains tables of another application/,
    );
    expect(await tablesOf(url)).toEqual([{ tablename: 'Song' }]);
  });

  it('is begun where the schema "public" is missing', async () => {
    const url = await blankDatabase();
    await onServer(url, 'DROP SCHEMA "public"');
    expect(await migratePostgresql(url, history)).toEqual(names);
    expect(await diagnoseByEngine('postgresql', url, history)).toEqual(inSync);
  });
});

describe('migration runner of PostgreSQL', () => {
  it('leaves nothing of a new database whose last migration fails, and repeats the message of PostgreSQL', async () => {
    const url = await blankDatabase();
    await expect(migratePostgresql(url, [...history, broken])).rejects.toThrow(
      'The migration 29990101000000_broken failed, and changed nothing: relation "Nowhere" does not exist',
    );
    expect(await tablesOf(url)).toEqual([]);
    expect(await migratePostgresql(url, [...history, mended])).toEqual([...names, mended.name]);
  });

  it('leaves nothing if it stops at any statement', async () => {
    const url = await blankDatabase();
    for (const done of history.keys()) {
      await expect(migratePostgresql(url, [...history.slice(0, done), broken])).rejects.toThrow(broken.name);
      expect(await tablesOf(url)).toEqual([]);
    }
  });

  it('leaves nothing if the connection breaks', async () => {
    const url = await blankDatabase();
    const sleeping = { name: broken.name, sql: 'SELECT pg_sleep(600)' };
    const migrating = expect(migratePostgresql(url, [...history, sleeping])).rejects.toThrow(
      /^The migration 29990101000000_broken failed, and changed nothing: terminating connection/,
    );
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = '${new URL(url).pathname.slice(1)}' AND query = '${sleeping.sql}'`;
    await expect.poll(() => onServer(urlOf(url, 'postgres'), end)).toHaveLength(1);
    await migrating;
    expect(await tablesOf(url)).toEqual([]);
    expect(await migratePostgresql(url, history)).toEqual(names);
  });

  it('runs once for concurrent callers, in every isolation level', async () => {
    const url = await blankDatabase();
    const database = new URL(url).pathname.slice(1);
    await onServer(url, `ALTER DATABASE "${database}" SET default_transaction_isolation TO 'serializable'`);
    const results = await Promise.all(Array.from({ length: 4 }, () => migratePostgresql(url, history)));
    expect(results.filter((applied) => applied.length > 0)).toEqual([names]);
    expect(await historyOf(url)).toHaveLength(history.length);
  });
});
