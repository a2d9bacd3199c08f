import { tablesWithIds } from '../../src/database/readiness/probe.ts';
import { isPostgresql, openFile, type TestDatabase } from './database.ts';
import { onServer } from './postgresql-server.ts';

export type TableWithIds = (typeof tablesWithIds)[number];

/** Makes a database give out ids after this one, in every table. */
export async function startIdsAfter({ url }: Pick<TestDatabase, 'url'>, last: bigint): Promise<void> {
  if (isPostgresql(url)) {
    const sequences = tablesWithIds.map((table) => `setval(pg_get_serial_sequence('"${table}"', 'id'), ${last})`);
    await onServer(url, `SELECT ${sequences.join(', ')}`);
    return;
  }
  const file = openFile(url);
  for (const table of tablesWithIds) {
    file.prepare('DELETE FROM "sqlite_sequence" WHERE "name" = ?').run(table);
    file.prepare('INSERT INTO "sqlite_sequence" ("name", "seq") VALUES (?, ?)').run(table, last);
  }
}

/** Returns the ids of a table in their order, past Prisma and the server. */
export async function storedIds({ url }: Pick<TestDatabase, 'url'>, table: TableWithIds): Promise<bigint[]> {
  const sql = `SELECT CAST("id" AS TEXT) AS "digits" FROM "${table}" ORDER BY "id"`;
  const rows = isPostgresql(url) ? await onServer(url, sql) : openFile(url).prepare<[], { digits: string }>(sql).all();
  return rows.map(({ digits }) => BigInt(digits));
}

/** Returns the global ids of rows. */
export function globalIds(type: string, ids: bigint[]): string[] {
  return ids.map((id) => Buffer.from(`${type}:${id}`).toString('base64url'));
}
