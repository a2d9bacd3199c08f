/** What an open database has to follow a table by its ids. */
export type SettledIds = {
  /**
   * Returns the highest id of a table that is settled, with all below it: each of their rows is visible from now on, or
   * was rolled back. Ids are assigned before the commit, so that on PostgreSQL a row may appear below one that is there
   * already. Waits for the transactions that write to the table now. 0n if there was never a row.
   */
  $settledId(table: 'AuditEvent'): Promise<bigint>;
};
