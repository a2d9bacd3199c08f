import { hash, randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlDriverAdapter, Transaction } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { type Migration, migrationFolders, readMigrations, readModels } from '../../database/migrations.ts';
import { applyInTransaction, clientOf } from '../../database/postgresql/migrate.ts';
import { withoutPassword } from '../../database/url.ts';
import { StartError } from '../../errors.ts';
import { familyColumns, familyMigrations } from '../family.ts';
import { type Column, countTables, quoted, type Row, type Source, type Takeover, takenTables } from '../source.ts';
import { postgresqlSource } from './source.ts';

/** How long to wait for somebody else who has a table, in milliseconds. */
const patienceMs = 5_000;

/**
 * Takes a PostgreSQL database over in one transaction: its tables are brought to the second of this server's
 * migrations, which the family shares, and the others do the rest. They only add.
 *
 * @throws StartError where the database cannot be reached.
 */
export async function openPostgresqlTakeover(url: string): Promise<Takeover> {
  const { transaction, client, end } = await beginTransaction(url);
  const source = postgresqlSource(client);
  const run = (sql: string) => client.query(sql);
  let triggers: Trigger[] = [];
  return {
    ...source,
    async begin() {
      await run(`SET LOCAL lock_timeout = ${patienceMs}`);
      const others = [...(await countTables(source)).keys()].filter(
        (table) => !takenTables.some((one) => one === table),
      );
      await run(`LOCK TABLE ${takenTables.map(quoted).join(', ')} IN ACCESS EXCLUSIVE MODE`);
      // What the application reads goes on being read.
      if (others.length > 0) await run(`LOCK TABLE ${others.map(quoted).join(', ')} IN SHARE MODE`);
    },
    backUp: async () => null,
    async loosen() {
      triggers = await disableTriggers(source, run);
      for (const table of takenTables) await convertColumns(source, table, run);
    },
    async write(sql, values = []) {
      let number = 0;
      await client.query(
        sql.replaceAll('?', () => {
          number += 1;
          return `$${number}`;
        }),
        values,
      );
    },
    async finish() {
      await tighten(run);
      await setForeignKey(source, run);
      await renameIndex(source, 'User', 'email', run);
      await renameIndex(source, 'Session', 'handle', run);
      const migrations = await readMigrations(migrationFolders.postgresql);
      await noteFamilyMigrations(client, migrations);
      await applyInTransaction(transaction, migrations, await readModels('postgresql'));
      for (const { table, name, mode } of triggers) {
        await run(`ALTER TABLE ${quoted(table)} ENABLE ${mode} TRIGGER ${quoted(name)}`);
      }
    },
    async commit() {
      await run('COMMIT');
      await transaction.commit();
    },
    async rollback() {
      await run('ROLLBACK');
      await transaction.rollback();
    },
    close: end,
  };
}

/** Looks at a database in a transaction that may not write. */
export async function openPostgresqlSource(url: string): Promise<{ source: Source; close(): Promise<void> }> {
  const { transaction, client, end } = await beginTransaction(url);
  await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  return {
    source: postgresqlSource(client),
    async close() {
      await client.query('ROLLBACK');
      await transaction.rollback();
      await end();
    },
  };
}

type Opened = { transaction: Transaction; client: pg.PoolClient; end(): Promise<void> };

async function beginTransaction(url: string): Promise<Opened> {
  const pool = new pg.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: patienceMs });
  // A connection that breaks is found out by the statement that is sent next.
  pool.on('error', () => {});
  try {
    const adapter: SqlDriverAdapter = await new PrismaPg(pool).connect();
    const transaction = await adapter.startTransaction();
    return { transaction, client: clientOf(transaction), end: () => pool.end() };
  } catch (error) {
    await pool.end();
    const reason = (error as Error).message;
    throw new StartError(`DATABASE_URL is "${withoutPassword(url)}", which cannot be used: ${reason}.`);
  }
}

type Run = (sql: string) => Promise<unknown>;

/** `mode` is how it was enabled: always, on replicas, or as most are. */
type Trigger = { table: string; name: string; mode: '' | 'ALWAYS' | 'REPLICA' };

/** Keeps the triggers of the tables still, so that a time that is written otherwise is no news to the application. */
async function disableTriggers(source: Source, run: Run): Promise<Trigger[]> {
  const found = await source.ask(
    `SELECT c."relname" AS "table", t."tgname" AS "name", t."tgenabled" AS "enabled"
       FROM pg_trigger t JOIN pg_class c ON c."oid" = t."tgrelid"
       WHERE t."tgrelid" IN (${takenTables.map((table) => `'${quoted(table)}'::regclass`).join(', ')})
         AND NOT t."tgisinternal" AND t."tgenabled" <> 'D'`,
  );
  const triggers = found.map(({ table, name, enabled }) => ({
    table: String(table),
    name: String(name),
    mode: ({ A: 'ALWAYS', R: 'REPLICA' } as const)[String(enabled)] ?? ('' as const),
  }));
  for (const { table, name } of triggers) await run(`ALTER TABLE ${quoted(table)} DISABLE TRIGGER ${quoted(name)}`);
  return triggers;
}

/** Gives the columns of the family the types that they have in this server's second migration. */
async function convertColumns(source: Source, table: 'User' | 'Session', run: Run): Promise<void> {
  const there = await source.columns(table);
  for (const [name, { holds, isRequired }] of Object.entries(familyColumns[table])) {
    const column = there.find((one) => one.name === name);
    const alter = `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(name)}`;
    if (!column) await run(`ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(name)} TEXT`);
    else if (holds === 'time') await convertTime(column, alter, run);
    else if (holds === 'text' && column.type !== 'text') await convertText(source, table, column, alter, run);
    if (column && !isRequired) await run(`${alter} DROP NOT NULL`);
  }
}

/** What is finer than a millisecond is cut off, since rounding could bring a time into the next day. */
async function convertTime({ name, type }: Column, alter: string, run: Run): Promise<void> {
  if (type === 'timestamp(3) without time zone') return;
  const utc = /with time zone/.test(type) ? `${quoted(name)} AT TIME ZONE 'UTC'` : `${quoted(name)}::timestamp`;
  await run(`${alter} TYPE TIMESTAMP(3) USING date_trunc('milliseconds', ${utc})`);
}

/** An enum's default is one of its values, and has to become text by itself. */
async function convertText(source: Source, table: string, { name }: Column, alter: string, run: Run): Promise<void> {
  const [row]: Row[] = await source.ask(
    `SELECT "column_default" AS "value" FROM information_schema.columns
       WHERE "table_schema" = current_schema() AND "table_name" = '${table}' AND "column_name" = '${name}'`,
  );
  const value = typeof row?.value === 'string' ? /^('(?:[^']|'')*')::/.exec(row.value)?.[1] : undefined;
  if (row?.value) await run(`${alter} DROP DEFAULT`);
  await run(`${alter} TYPE TEXT USING ${quoted(name)}::text`);
  if (value) await run(`${alter} SET DEFAULT ${value}`);
}

async function tighten(run: Run): Promise<void> {
  for (const table of takenTables) {
    const required = Object.entries(familyColumns[table]).filter(([, { isRequired }]) => isRequired);
    for (const [name] of required) await run(`ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(name)} SET NOT NULL`);
  }
}

/** The session of a deleted user stays, and is nobody's. */
async function setForeignKey(source: Source, run: Run): Promise<void> {
  const keys = await source.ask(
    `SELECT k."conname" AS "name" FROM pg_constraint k
       JOIN pg_attribute a ON a."attrelid" = k."conrelid" AND a."attnum" = ANY (k."conkey") AND a."attname" = 'userId'
       WHERE k."conrelid" = '"Session"'::regclass AND k."contype" = 'f' AND array_length(k."conkey", 1) = 1`,
  );
  for (const { name } of keys) await run(`ALTER TABLE "Session" DROP CONSTRAINT ${quoted(String(name))}`);
  await run(
    `ALTER TABLE "Session" ADD CONSTRAINT "Session_userId_fkey"
       FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE`,
  );
}

/**
 * Notes that the migrations which the family shares are done, beside those of the application. The table is made as
 * Prisma's engine makes it, which looks for it by a statement that would end the transaction.
 */
async function noteFamilyMigrations(client: pg.PoolClient, migrations: Migration[]): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
       "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
       "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
       "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`,
  );
  for (const { name, sql } of migrations) {
    if (!familyMigrations.includes(name)) continue;
    await client.query(
      `INSERT INTO "_prisma_migrations" ("id", "checksum", "finished_at", "migration_name", "applied_steps_count")
         VALUES ($1, $2, now(), $3, 1)`,
      [randomUUID(), hash('sha256', sql), name],
    );
  }
}

/** The unique index had another name in every generation. */
async function renameIndex(source: Source, table: 'User' | 'Session', column: string, run: Run): Promise<void> {
  const wanted = `${table}_${column}_key`;
  const same = (await source.indexes(table)).filter((index) => index.isUnique && index.columns.join() === column);
  if (same.some(({ name }) => name === wanted)) return;
  const [old] = same;
  if (old) await run(`ALTER INDEX ${quoted(old.name)} RENAME TO ${quoted(wanted)}`);
  else await run(`CREATE UNIQUE INDEX ${quoted(wanted)} ON ${quoted(table)}(${quoted(column)})`);
}
