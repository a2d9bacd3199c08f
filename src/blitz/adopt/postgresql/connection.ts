import type pg from 'pg';
import { clientClass } from '../../../database/postgresql/client.ts';
import { redactUrl } from '../../../database/url.ts';
import { OperatorError } from '../../../errors.ts';
import type { Source } from '../source.ts';
import { postgresqlSource } from './source.ts';

/** The maximum wait for a database, or for a lock on a table, in milliseconds. */
export const timeoutMs = 5_000;

/** Opens a database in a read-only transaction. */
export async function openPostgresqlSource(url: string): Promise<{ source: Source; close(): Promise<void> }> {
  const client = await beginTransaction(url);
  await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  return {
    source: postgresqlSource(client),
    async close() {
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}

/** Begins a transaction on a connection of its own. @throws OperatorError where the database cannot be reached. */
export async function beginTransaction(url: string): Promise<pg.Client> {
  const client = new (clientClass(url, 'read-write'))({ connectionTimeoutMillis: timeoutMs });
  // The next statement detects a broken connection.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ schema: string }>('SELECT current_schema() AS "schema"');
    const schema = rows[0]?.schema;
    if (schema !== 'public') throw new Error(`its schema is ${schema}, and this server keeps its tables in public`);
    await client.query('BEGIN');
    return client;
  } catch (error) {
    await client.end();
    const reason = (error as Error).message;
    throw new OperatorError(`DATABASE_URL is "${redactUrl(url)}", which cannot be used: ${reason}.`);
  }
}
