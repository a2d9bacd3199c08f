import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlDriverAdapter, Transaction } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { clientOf } from '../../../database/postgresql/migrate.ts';
import { withoutPassword } from '../../../database/url.ts';
import { OperatorError } from '../../../errors.ts';
import type { Source } from '../source.ts';
import { postgresqlSource } from './source.ts';

/** How long to wait for a database, or for somebody else who has a table, in milliseconds. */
export const patienceMs = 5_000;

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

export type Opened = { transaction: Transaction; client: pg.PoolClient; end(): Promise<void> };

/** A transaction on a connection of its own. @throws OperatorError where the database cannot be reached. */
export async function beginTransaction(url: string): Promise<Opened> {
  const pool = new pg.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: patienceMs });
  // A connection that breaks is found out by the statement that is sent next.
  pool.on('error', () => {});
  try {
    const { rows } = await pool.query<{ schema: string }>('SELECT current_schema() AS "schema"');
    const schema = rows[0]?.schema;
    if (schema !== 'public') throw new Error(`its schema is ${schema}, and this server keeps its tables in public`);
    const adapter: SqlDriverAdapter = await new PrismaPg(pool).connect();
    const transaction = await adapter.startTransaction();
    return { transaction, client: clientOf(transaction), end: () => pool.end() };
  } catch (error) {
    await pool.end();
    const reason = (error as Error).message;
    throw new OperatorError(`DATABASE_URL is "${withoutPassword(url)}", which cannot be used: ${reason}.`);
  }
}
