/**
 * Builds indexes on large tables outside a transaction (`CREATE INDEX CONCURRENTLY`), so that writes go on meanwhile.
 *
 * The caller holds the lock of migrations, in a transaction on another connection that is idle and has no snapshot. So
 * no two servers build at once, also behind a pooler, where a lock of a session would belong to any client.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { OperatorError, OperatorNotice } from '../../../errors.ts';
import type { NewIndex } from '../../plan/statements.ts';
import { clientClass, streamOf } from '../client.ts';
import { withoutTimeouts } from './begin.ts';
import { type LockObserver, onLongWait } from './lock-waits.ts';

/** In bytes. Writes wait for less than a tenth of a second for an index on a smaller table. */
const largeTable = 8 * 1024 * 1024;

type Queryable = Pick<pg.ClientBase, 'query'>;

type State = 'missing' | 'valid' | 'invalid';

/**
 * Returns whether indexes are built outside a transaction: one of their tables is large, or one of them is there
 * already, because a build was interrupted or an operator has made it.
 */
export async function areBuiltOutside(client: Queryable, indexes: NewIndex[]): Promise<boolean> {
  for (const index of indexes) {
    const { rows } = await client.query<{ bytes: string | null }>(
      'SELECT pg_relation_size(to_regclass(quote_ident($1)))::text AS "bytes"',
      [index.table],
    );
    if (Number(rows[0]?.bytes ?? 0) >= largeTable || (await stateOf(client, index)) !== 'missing') return true;
  }
  return false;
}

/** Builds the indexes that are missing or invalid, one after the other. */
export async function buildIndexes(url: string, indexes: NewIndex[], observer: LockObserver): Promise<void> {
  // Statements that are sent at once stay on one connection of a pooler, although each is its own transaction.
  const client = new (clientClass(url, 'read-write'))({ connectionTimeoutMillis: 5_000, pipeline: true });
  client.on('error', () => {});
  try {
    await client.connect();
    for (const index of indexes) await build(client, index, observer);
  } finally {
    await client.end();
  }
}

async function build(client: pg.Client, index: NewIndex, observer: LockObserver): Promise<void> {
  const { name, table, isUnique, definition } = index;
  if ((await stateOf(client, index)) === 'invalid') {
    await waitForOtherBuild(client, index, observer);
    // A build was interrupted. If it went on by itself in PostgreSQL, the index is valid now.
    if ((await stateOf(client, index)) === 'invalid') await drop(client, index, observer);
  }
  if ((await stateOf(client, index)) === 'valid') return;
  observer.report(
    new OperatorNotice('info', `Builds the index ${name} on ${table}. Reads and writes go on meanwhile.`),
  );
  try {
    await runAlone(
      client,
      `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY "${name}" ${definition}`,
      index,
      observer,
    );
  } catch (error) {
    if (!isPresent(error)) await dropInvalid(client, index, observer).catch(() => {});
    throw error;
  }
}

/** Returns whether another program makes the same index. It is not ours to drop. */
function isPresent(error: unknown): boolean {
  return (error as { code?: unknown }).code === '42P07';
}

/**
 * Drops what a failed build has left: it costs writes, and a unique index refuses them. If this fails too, the next
 * start does it.
 */
async function dropInvalid(client: pg.Client, index: NewIndex, observer: LockObserver): Promise<void> {
  if ((await stateOf(client, index)) === 'invalid') await drop(client, index, observer);
}

/** @throws OperatorError for another index of that name */
async function stateOf(client: Queryable, { name, table, isUnique }: NewIndex): Promise<State> {
  const { rows } = await client.query<{ isValid: boolean; isUnique: boolean; table: string }>(
    `SELECT i."indisvalid" AND i."indisready" AS "isValid", i."indisunique" AS "isUnique", t."relname" AS "table"
       FROM pg_index i JOIN pg_class c ON c."oid" = i."indexrelid" JOIN pg_class t ON t."oid" = i."indrelid"
       JOIN pg_namespace n ON n."oid" = c."relnamespace"
       WHERE c."relname" = $1 AND n."nspname" = ANY (current_schemas(false))`,
    [name],
  );
  const [found] = rows;
  if (!found) return 'missing';
  if (found.table !== table || found.isUnique !== isUnique) {
    throw new OperatorError(`There is another index ${name}, on ${found.table}. Rename it, and start again.`);
  }
  return found.isValid ? 'valid' : 'invalid';
}

/** PostgreSQL goes on with a statement whose client was killed. Its lock on the table shows that it does. */
async function waitForOtherBuild(client: Queryable, { name, table }: NewIndex, { report }: LockObserver) {
  const tell = onLongWait((pid: number) => {
    report(new OperatorNotice('info', `Waits for the process ${pid} of PostgreSQL, which still builds ${name}.`));
  });
  for (;;) {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT l."pid" FROM pg_locks l LEFT JOIN pg_stat_activity a ON a."pid" = l."pid"
         WHERE l."relation" = to_regclass(quote_ident($1)) AND l."mode" = 'ShareUpdateExclusiveLock' AND l."granted"
           AND a."backend_type" IS DISTINCT FROM 'autovacuum worker'`,
      [table],
    );
    const [other] = rows;
    if (!other) return;
    tell(other.pid);
    await sleep(300);
  }
}

async function drop(client: pg.Client, index: NewIndex, observer: LockObserver): Promise<void> {
  observer.report(new OperatorNotice('info', `Drops the incomplete index ${index.name} of an interrupted build.`));
  await runAlone(client, `DROP INDEX CONCURRENTLY IF EXISTS "${index.name}"`, index, observer);
}

/** Runs a statement outside a transaction, without timeouts, and tells which transactions it waits for. */
async function runAlone(client: pg.Client, sql: string, { name }: NewIndex, observer: LockObserver): Promise<void> {
  const tell = onLongWait((holders: string) => {
    observer.report(
      new OperatorNotice('info', `The index ${name} waits for the end of ${holders}. Reads and writes go on.`),
    );
  });
  // In one packet: a pooler in transaction mode keeps the connection for a client until all its statements are
  // answered.
  const stream = streamOf(client);
  stream.cork();
  const began = client.query<{ pid: number }>(withoutTimeouts.begin);
  const done = client.query(sql);
  const ended = client.query(withoutTimeouts.end);
  stream.uncork();
  const all = Promise.allSettled([began, done, ended]);
  const { rows } = await began;
  const watch = observer.watch(rows[0]?.pid ?? 0, 1_000, tell);
  try {
    await all;
    await done;
  } finally {
    watch.stop();
  }
}
