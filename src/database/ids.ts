import { setTimeout as sleep } from 'node:timers/promises';

/** The largest ids of 64 and of 32 bits. */
export const largestIds = { of64Bits: 2n ** 63n - 1n, of32Bits: 2n ** 31n - 1n } as const;

/** The tables whose rows are followed by id. */
type FollowedTable = 'AuditEvent';

/** The ids of an open database. */
export type Ids = {
  /** Returns the largest id that the database holds. No statement may be given a larger one. */
  $largestId(): bigint;
  /**
   * Returns the highest id that a table has given out, also for a row that is not committed yet or was rolled back. 0n if
   * there was never a row. Costs one short statement.
   */
  $newestId(table: FollowedTable): Promise<bigint>;
  /**
   * Returns the open transactions that write to a table, by names that are never used again. A transaction is among them
   * before it takes an id, and until its rows are visible or rolled back. Empty where ids are committed in their order.
   */
  $writersOf(table: FollowedTable): Promise<Set<string>>;
};

const pollMs = 5;

/**
 * Returns the highest id of a table that is settled, with all below it: each of their rows is visible from now on, or was
 * rolled back. Ids are assigned before the commit, so that on PostgreSQL a row may appear below one that is there
 * already. Waits for the transactions that write to the table now. 0n if there was never a row.
 */
export async function settledId(database: Ids, table: FollowedTable): Promise<bigint> {
  const id = await database.$newestId(table);
  // Read after the id: a writer that begins later takes a higher one.
  let writers = await database.$writersOf(table);
  while (writers.size > 0) {
    await sleep(pollMs);
    writers = stillOpen(writers, await database.$writersOf(table));
  }
  return id;
}

/** Returns those of some transactions that are among the open ones now. */
export function stillOpen(writers: Set<string>, now: Set<string>): Set<string> {
  return new Set([...writers].filter((writer) => now.has(writer)));
}
