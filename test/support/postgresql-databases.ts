/** Databases of a PostgreSQL server. Each worker empties a few of its own between tests: copying takes longer. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { onServer, urlOf } from './postgresql-server.ts';

/** A database of this worker, with a connection that bypasses Prisma. */
type WorkerDatabase = { url: string; client: pg.Client; shape: string; emptying: string[] };

const free: WorkerDatabase[] = [];
let made = 0;

/** The objects of a database besides rows. A test may change them: add a trigger, drop a column. */
const readShape = `SELECT md5(
  (SELECT string_agg(format('%s %s %s', attrelid::regclass, attname, atttypid), ',' ORDER BY attrelid::regclass::text, attnum)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace) ||
  (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) ||
  (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)) AS shape`;

const endOthers = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;

/** Returns the URL of a migrated database without rows, which belongs to the test until it ends. */
export async function takeDatabase(template: string): Promise<string> {
  const database = free.pop() ?? (await makeDatabase(template));
  onTestFinished(async () => {
    if (await empty(database)) free.push(database);
  });
  return database.url;
}

/** Returns the URL of the test's own database without tables. */
export function blankDatabase(): Promise<string> {
  return makeOwnDatabase('');
}

/** Returns the URL of the test's own migrated database, whose history it may change. */
export function migratedDatabase(): Promise<string> {
  return makeOwnDatabase(`TEMPLATE "${nameOf(inject('templateDatabase'))}"`);
}

async function makeOwnDatabase(from: string): Promise<string> {
  const template = inject('templateDatabase');
  const name = `${nameOf(template)}_${randomUUID()}`;
  const admin = urlOf(template, 'postgres');
  await onServer(admin, `CREATE DATABASE "${name}" ${from}`);
  onTestFinished(async () => {
    await onServer(admin, `DROP DATABASE "${name}" WITH (FORCE)`);
  });
  return urlOf(template, name);
}

async function makeDatabase(template: string): Promise<WorkerDatabase> {
  made += 1;
  // biome-ignore lint/style/noProcessEnv: Vitest tells workers apart by it
  const name = `${nameOf(template)}_${process.env.VITEST_POOL_ID}_${made}`;
  const admin = urlOf(template, 'postgres');
  // A database of an earlier worker with this number.
  await onServer(admin, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  await onServer(admin, `CREATE DATABASE "${name}" TEMPLATE "${nameOf(template)}"`);
  const url = urlOf(template, name);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return { url, client, shape: await shapeOf(client), emptying: await statementsToEmpty(client) };
}

/** Deletes all rows and shrinks the files, so that new rows are stored in order. TRUNCATE takes three times as long. */
async function statementsToEmpty(client: pg.Client): Promise<string[]> {
  // All other tables refer to User.
  const { rows } = await client.query<{ name: string }>(`SELECT format('%I', tablename) AS name FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' ORDER BY tablename = 'User'`);
  const tables = rows.map(({ name }) => name);
  const restart = `SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public'`;
  return [[...tables.map((table) => `DELETE FROM ${table}`), restart].join('; '), `VACUUM ${tables.join(', ')}`];
}

/** Empties a database, unless the test changed more than rows. Then no other test gets it. */
async function empty({ client, shape, emptying }: WorkerDatabase): Promise<boolean> {
  await client.query(endOthers);
  if ((await shapeOf(client)) !== shape) {
    await client.end();
    return false;
  }
  for (const statement of emptying) await client.query(statement);
  return true;
}

async function shapeOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ shape: string }>(readShape);
  return rows[0]?.shape ?? '';
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
