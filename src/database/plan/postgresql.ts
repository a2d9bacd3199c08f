import type pg from 'pg';
import type { Migration } from '../migrations.ts';
import { connectionOf, withClient } from '../postgresql/migrate.ts';
import { areBuiltOutside } from '../postgresql/migration/indexes.ts';
import { type PlannedMigration, type PlannedTable, readMissing } from './plan.ts';
import { hasCode, locksOf, onlyIndexes, type TableLock } from './statements.ts';

/** Returns what `migratePostgresql` would do. Changes nothing. @throws OperatorError as `migratePostgresql` does */
export function planPostgresql(url: string, migrations: Migration[]): Promise<PlannedMigration[]> {
  return withClient(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { isNew, missing } = await readMissing(connectionOf(client), migrations);
    const planned: PlannedMigration[] = [];
    for (const { name, sql } of missing) {
      const indexes = isNew ? null : onlyIndexes(sql);
      const isOutside = indexes !== null && (await areBuiltOutside(client, indexes));
      const tables: PlannedTable[] = [];
      for (const [table, lock] of locksOf(sql)) {
        tables.push(await planTable(client, table, isOutside ? 'SHARE UPDATE EXCLUSIVE' : lock));
      }
      planned.push({ name, mode: isOutside ? 'CONCURRENT' : 'TRANSACTION', hasCode: hasCode(sql), tables, sql });
    }
    return planned;
  });
}

async function planTable(client: pg.Client, name: string, lock: TableLock): Promise<PlannedTable> {
  const { rows } = await client.query<{ rows: string | null; bytes: string }>(
    `SELECT nullif("reltuples", -1)::bigint::text AS "rows", pg_table_size("oid")::text AS "bytes" FROM pg_class
       WHERE "oid" = to_regclass(quote_ident($1))`,
    [name],
  );
  const [found] = rows;
  // Another missing migration makes it.
  if (!found) return { name, lock: 'NEW', rows: null, bytes: null };
  return { name, lock, rows: found.rows === null ? null : Number(found.rows), bytes: Number(found.bytes) };
}
