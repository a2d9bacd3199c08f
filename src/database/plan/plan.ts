/** The plan of a migration: the changes that it would make, for an operator who asks before. */
import { findMissing, type HistoryReader, isUpToDate, type Missing } from '../migrate.ts';
import type { Migration } from '../migrations.ts';
import type { TableLock } from './statements.ts';

/** `rows` is an estimate of the database. Null for a new table, and where the database has none. */
export type PlannedTable = { name: string; lock: TableLock; rows: number | null; bytes: number | null };

export type PlannedMigration = {
  name: string;
  /** The way in which it runs: in a transaction, or outside one, where it builds indexes while writes go on. */
  mode: 'TRANSACTION' | 'CONCURRENT';
  /** True if it has code, whose effects on tables are not in the plan. */
  hasCode: boolean;
  tables: PlannedTable[];
  sql: string;
};

/**
 * Returns the migrations that a database lacks, as `findMissing` does. Changes nothing.
 *
 * @throws OperatorError also for a database with users of another application
 */
export async function readMissing(reader: HistoryReader, migrations: Migration[]): Promise<Missing> {
  if (await isUpToDate(reader, migrations)) return { isNew: false, missing: [] };
  return findMissing(reader, migrations);
}
