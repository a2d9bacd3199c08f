/**
 * The size of ids: 64 bits. A database of an earlier version has 32 until no server of such a version runs any more,
 * because those do not read larger columns right. Such a database works as before meanwhile.
 */
import type pg from 'pg';
import { OperatorError } from '../../errors.ts';
import { largestIds } from '../ids.ts';
import { beginMigration } from './migration/begin.ts';

/** The name of a server's connections. */
export const serverName = 'graphql-sessions';

type Queryable = Pick<pg.ClientBase, 'query'>;

const refreshMs = 30_000;

/**
 * Returns a function that tells the largest id that the columns of a database hold. Columns of 32 bits are looked at
 * again from time to time, so that a server notices when they get 64.
 */
export async function watchLargestId(pool: pg.Pool): Promise<() => bigint> {
  let largest: bigint = largestIds.of32Bits;
  async function look(): Promise<void> {
    // While the database does not answer, nothing depends on it.
    largest = await readLargestId(pool).catch(() => largest);
    if (largest === largestIds.of32Bits && !pool.ending) setTimeout(look, refreshMs).unref();
  }
  await look();
  return () => largest;
}

async function readLargestId(client: Queryable): Promise<bigint> {
  const { rows } = await client.query<{ bytes: number }>(
    `SELECT min("attlen") AS "bytes" FROM pg_attribute
       WHERE "attrelid" IN ('"User"'::regclass, '"Session"'::regclass, '"AuditEvent"'::regclass) AND "attname" = 'id'`,
  );
  return rows[0]?.bytes === 8 ? largestIds.of64Bits : largestIds.of32Bits;
}

/**
 * Gives the ids of a database 64 bits, and returns whether it did: not where they have them. Writes the tables anew,
 * and locks them meanwhile.
 *
 * @param isWanted - is asked before, with no other migration under way
 * @throws OperatorError if something is in the way, such as a view of an id. The database is then unchanged.
 */
export async function widenIds(client: Queryable, isWanted: () => Promise<boolean>): Promise<boolean> {
  if ((await readLargestId(client)) === largestIds.of64Bits) return false;
  try {
    await beginMigration(client);
    const isWidened = (await isWanted()) && (await widenInTransaction(client));
    await client.query('COMMIT');
    return isWidened;
  } catch (error) {
    // The first error is the cause.
    await client.query('ROLLBACK').catch(() => {});
    throw new OperatorError(`The ids keep 32 bits, and nothing was changed: ${(error as Error).message}.`);
  }
}

/** As `widenIds`, in an open transaction. */
export async function widenInTransaction(client: Queryable): Promise<boolean> {
  if ((await readLargestId(client)) === largestIds.of64Bits) return false;
  await client.query('SELECT "widen_ids"()');
  return true;
}

/** Returns whether no server is connected to the database, of this version or an earlier one. */
export async function isWithoutServers(client: Queryable): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT 1 FROM pg_stat_activity
       WHERE "datname" = current_database() AND "pid" <> pg_backend_pid() AND "application_name" = $1 LIMIT 1`,
    [serverName],
  );
  return rows.length === 0;
}
