import pg from 'pg';
import { clientClass } from './client.ts';
import { serverName } from './ids.ts';
import type { Target } from './target.ts';

/**
 * In milliseconds. The driver's defaults wait for ever, even for a database that hangs. With these, a request that
 * finds the database frozen is answered within five seconds.
 */
const timeouts = {
  connectionTimeoutMillis: 2_000,
  idleTimeoutMillis: 30_000,
  statement_timeout: 2_000,
  query_timeout: 2_500,
  lock_timeout: 1_500,
  idle_in_transaction_session_timeout: 5_000,
};

export type PoolOptions = { size: number; target: Target; report: (error: unknown) => void };

const pools = new Set<pg.Pool>();

/** Returns the number of connections of this process to PostgreSQL by state, and of requests that wait for one. */
export function poolUsage(): { busy: number; idle: number; waiting: number } {
  const usage = { busy: 0, idle: 0, waiting: 0 };
  for (const { totalCount, idleCount, waitingCount } of openPools()) {
    usage.busy += totalCount - idleCount;
    usage.idle += idleCount;
    usage.waiting += waitingCount;
  }
  return usage;
}

/** Returns the pools that are open, and forgets the others. */
function openPools(): Set<pg.Pool> {
  for (const pool of pools) if (pool.ended) pools.delete(pool);
  return pools;
}

/**
 * Opens a pool of connections to a PostgreSQL database with the role `target`. No operation on it waits for ever.
 */
export function openPool(url: string, { size, target, report }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    // The pool creates its clients with its own configuration.
    Client: clientClass(url, target) as new () => pg.Client,
    max: size,
    keepAlive: true,
    // Statements that a transaction sends at once travel at once (`runConcurrently`).
    pipeline: true,
    application_name: serverName,
    ...timeouts,
  });
  // The pool replaces a broken idle connection when the next one is needed.
  pool.on('error', (cause) => {
    report(new Error(`An idle connection to the database broke: ${cause.message}`, { cause }));
  });
  openPools().add(pool);
  return pool;
}
