import pg from 'pg';
import { serverName } from './ids.ts';

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

export type PoolOptions = { size: number; report: (error: unknown) => void };

/** Opens a pool of connections to a PostgreSQL database. No operation on it waits for ever. */
export function openPool(url: string, { size, report }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    keepAlive: true,
    // Statements that a transaction sends at once travel at once (`runConcurrently`).
    pipeline: true,
    application_name: serverName,
    ...timeouts,
  });
  // The pool replaces a broken idle connection when the next one is needed.
  pool.on('error', (error) => report(`An idle connection to the database broke: ${error.message}`));
  return pool;
}
