import pg from 'pg';

/**
 * In milliseconds. The driver's defaults wait for ever, for a database that hangs too. Between them, these answer a
 * request that finds the database frozen within five seconds.
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

/** Connections to a PostgreSQL database, none of which waits for ever. */
export function openPool(url: string, { size, report }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    keepAlive: true,
    // What a transaction asks for at once is sent at once (`together`).
    pipeline: true,
    application_name: 'graphql-sessions',
    ...timeouts,
  });
  // A connection that breaks while it is idle is replaced when the next one is needed.
  pool.on('error', (error) => report(`An idle connection to the database broke: ${error.message}`));
  return pool;
}
