/**
 * The transaction of a migration: one at a time, in all servers of a database, and without the timeouts of the role.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { LockObserver } from './lock-waits.ts';

/** The key for the advisory lock. It was chosen at random, so that it does not collide with another application's. */
const lockKey = 6146091218476530012n;

/**
 * In milliseconds. Everybody who needs the table queues behind a migration that waits for its lock. So it waits for
 * less than the `lock_timeout` of a server's requests, and for less than `deadlock_timeout`: a deadlock ends the
 * migration, and not a request.
 */
const lockTimeoutMs = 500;

/** In milliseconds. A machine that fails in a migration does not hold locks on tables for longer. */
const idleTimeoutMs = 60_000;

const timeouts = ['statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout'];
const keepAlive = { tcp_keepalives_idle: '30', tcp_keepalives_interval: '10', tcp_keepalives_count: '3' };

/** Settings by their names. Versions of PostgreSQL without a setting ignore it. */
type Settings = Record<string, string>;

const none: Settings = Object.fromEntries(timeouts.map((name) => [name, '0']));
const ofTransaction: Settings = {
  ...none,
  lock_timeout: `${lockTimeoutMs}ms`,
  idle_in_transaction_session_timeout: `${idleTimeoutMs}ms`,
};

type Queryable = Pick<pg.ClientBase, 'query'>;

/**
 * Begins a transaction that excludes other migrations, and returns the number of its process in PostgreSQL. Waits for
 * a running migration, for as long as it takes, without a transaction: `CREATE INDEX CONCURRENTLY` waits for each
 * transaction with a snapshot. The lock ends with the transaction, so that it works behind a pooler.
 */
export async function beginMigration(client: Queryable, observer?: LockObserver): Promise<number> {
  for (;;) {
    // Regardless of the default: the commits of the last holder of the lock must be visible, and a transaction that is
    // idle must have no snapshot.
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await client.query(setLocally(ofTransaction));
    const { rows } = await client.query<{ isLocked: boolean; pid: number }>(
      `SELECT pg_try_advisory_xact_lock(${lockKey}) AS "isLocked", pg_backend_pid() AS "pid"`,
    );
    if (rows[0]?.isLocked) return rows[0].pid;
    await client.query('ROLLBACK');
    observer?.noteMigration(lockKey);
    await sleep(100 + 200 * Math.random(), undefined, { signal: observer?.signal });
  }
}

/**
 * Lets the transaction of a migration be idle for as long as it takes to build an index on another connection.
 * PostgreSQL notices within a minute that a machine is gone.
 */
export async function stayIdle(client: Queryable): Promise<void> {
  await client.query(setLocally({ idle_in_transaction_session_timeout: '0', ...keepAlive }));
}

/** Takes the timeouts of the role from an open transaction. */
export async function liftTimeouts(client: Queryable): Promise<void> {
  await client.query(setLocally(none));
}

/** Waits for a running migration, in an open transaction. */
export async function lockInTransaction(client: Queryable): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${lockKey})`);
}

/** The statements that take the timeouts from a connection, and give them back. */
export const withoutTimeouts = {
  begin: set(none, 'false'),
  end: `SELECT set_config("name", "reset_val", false) FROM pg_settings WHERE "name" IN (${listed(timeouts)})`,
};

function setLocally(settings: Settings): string {
  return set(settings, 'true');
}

/**
 * Returns the statement for settings of a transaction or a session, and for the number of its process in PostgreSQL.
 */
function set(settings: Settings, isLocal: 'true' | 'false'): string {
  const values = Object.entries(settings).map(([name, value]) => `WHEN '${name}' THEN '${value}'`);
  return `SELECT set_config("name", CASE "name" ${values.join(' ')} END, ${isLocal}), pg_backend_pid() AS "pid"
    FROM pg_settings WHERE "name" IN (${listed(Object.keys(settings))})`;
}

function listed(names: string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
