/** The largest ids of 64 and of 32 bits. */
export const largestIds = { of64Bits: 2n ** 63n - 1n, of32Bits: 2n ** 31n - 1n } as const;

/** The ids of an open database. */
export type Ids = {
  /** Returns the largest id that the database holds. No statement may be given a larger one. */
  $largestId(): bigint;
  /**
   * Returns the highest id of a table that is settled, with all below it: each of their rows is visible from now on, or
   * was rolled back. Ids are assigned before the commit, so that on PostgreSQL a row may appear below one that is there
   * already. Waits for the transactions that write to the table now. 0n if there was never a row.
   */
  $settledId(table: 'AuditEvent'): Promise<bigint>;
};
