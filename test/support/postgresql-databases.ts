/** Databases of a PostgreSQL server. Each worker has a few, which it empties between tests: that takes less than a copy. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { onServer, urlOf } from './postgresql-server.ts';

/** A database of this worker, with a connection past Prisma. */
type WorkerDatabase = { url: string; client: pg.Client; shape: string };

const free: WorkerDatabase[] = [];
let made = 0;

/** What is in a database besides rows. A test may change it: add a trigger, drop a column. */
const readShape = `SELECT md5(
  (SELECT string_agg(format('%s %s %s', attrelid::regclass, attname, atttypid), ',' ORDER BY attrelid::regclass::text, attnum)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace) ||
  (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) ||
  (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)) AS shape`;

const endOthers = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;

/** Takes a tenth of the time of TRUNCATE, which makes new files. All others refer to User. */
const deleteRows = `DO $$ DECLARE one record; BEGIN
  FOR one IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'
    ORDER BY tablename = 'User' LOOP EXECUTE format('DELETE FROM %I', one.name); END LOOP;
  FOR one IN SELECT format('%I.%I', schemaname, sequencename)::regclass AS name FROM pg_sequences
    WHERE schemaname = 'public' LOOP PERFORM setval(one.name, 1, false); END LOOP; END $$`;

/** The URL of a migrated database without rows, of the test's own until it ends. */
export async function takeDatabase(template: string): Promise<string> {
  const database = free.pop() ?? (await makeDatabase(template));
  onTestFinished(async () => {
    if (await empty(database)) free.push(database);
  });
  return database.url;
}

/** The URL of a database without tables, of the test's own. */
export async function blankDatabase(): Promise<string> {
  const template = inject('templateDatabase');
  const name = `${nameOf(template)}_${randomUUID()}`;
  const admin = urlOf(template, 'postgres');
  await onServer(admin, `CREATE DATABASE "${name}"`);
  onTestFinished(async () => {
    await onServer(admin, `DROP DATABASE "${name}" WITH (FORCE)`);
  });
  return urlOf(template, name);
}

/** A worker that runs one file after the other makes the same ones anew in each, so that a name is taken once a run. */
async function makeDatabase(template: string): Promise<WorkerDatabase> {
  made += 1;
  // biome-ignore lint/style/noProcessEnv: Vitest tells workers apart by it
  const name = `${nameOf(template)}_${process.env.VITEST_POOL_ID}_${made}`;
  const admin = urlOf(template, 'postgres');
  await onServer(admin, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  await onServer(admin, `CREATE DATABASE "${name}" TEMPLATE "${nameOf(template)}"`);
  const url = urlOf(template, name);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return { url, client, shape: await shapeOf(client) };
}

/** Empties a database, unless the test changed more than rows. Then no other test gets it. */
async function empty({ client, shape }: WorkerDatabase): Promise<boolean> {
  await client.query(endOthers);
  if ((await shapeOf(client)) !== shape) {
    await client.end();
    return false;
  }
  await client.query(deleteRows);
  return true;
}

async function shapeOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ shape: string }>(readShape);
  return rows[0]?.shape ?? '';
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
