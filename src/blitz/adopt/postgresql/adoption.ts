import { migrationFolders, readMigrations } from '../../../database/migrations.ts';
import { widenInTransaction } from '../../../database/postgresql/ids.ts';
import { applyInTransaction } from '../../../database/postgresql/migrate.ts';
import { liftTimeouts } from '../../../database/postgresql/migration/begin.ts';
import { sharedMigrations } from '../blitz-schema.ts';
import { type Adoption, adoptedTables, countTables, quoted, type Source } from '../source.ts';
import { beginTransaction, timeoutMs } from './connection.ts';
import { postgresqlSource } from './source.ts';
import { convertColumns, type Run, renameIndex, restoreConstraints, setForeignKey } from './table-shape.ts';

/**
 * Opens an adoption of a PostgreSQL database in one transaction. It brings the tables to the second of this server's
 * migrations, which Blitz.js shares, and then applies the others, which only add, and gives the ids 64 bits.
 *
 * @throws OperatorError if the database cannot be reached.
 */
export async function openPostgresqlAdoption(url: string): Promise<Adoption> {
  const client = await beginTransaction(url);
  const source = postgresqlSource(client);
  const run = (sql: string) => client.query(sql);
  let triggers: Trigger[] = [];
  return {
    ...source,
    async begin() {
      await liftTimeouts(client);
      await run(`SET LOCAL lock_timeout = ${timeoutMs}`);
      const others = [...(await countTables(source)).keys()].filter(
        (table) => !adoptedTables.some((one) => one === table),
      );
      await run(`LOCK TABLE ${adoptedTables.map(quoted).join(', ')} IN ACCESS EXCLUSIVE MODE`);
      // The application can still read these tables.
      if (others.length > 0) await run(`LOCK TABLE ${others.map(quoted).join(', ')} IN SHARE MODE`);
    },
    backUp: async () => null,
    async relaxConstraints() {
      triggers = await disableTriggers(source, run);
      for (const table of adoptedTables) await convertColumns(source, table, run);
    },
    async write(sql, values = []) {
      let number = 0;
      await client.query(
        sql.replaceAll('?', () => {
          number += 1;
          return `$${number}`;
        }),
        values,
      );
    },
    async finish() {
      await restoreConstraints(run);
      await setForeignKey(source, run);
      await renameIndex(source, 'User', 'email', run);
      await renameIndex(source, 'Session', 'handle', run);
      const migrations = await readMigrations(migrationFolders.postgresql);
      await applyInTransaction(client, migrations, sharedMigrations);
      await widenInTransaction(client);
      for (const { table, name, mode } of triggers) {
        await run(`ALTER TABLE ${quoted(table)} ENABLE ${mode} TRIGGER ${quoted(name)}`);
      }
    },
    async commit() {
      await run('COMMIT');
    },
    async rollback() {
      await run('ROLLBACK');
    },
    close: () => client.end(),
  };
}

/** `mode` is how it was enabled: always, on replicas, or in the default way. */
type Trigger = { table: string; name: string; mode: '' | 'ALWAYS' | 'REPLICA' };

/** Disables the triggers of the tables, so that the application does not react to a converted time. */
async function disableTriggers(source: Source, run: Run): Promise<Trigger[]> {
  const found = await source.query(
    `SELECT c."relname" AS "table", t."tgname" AS "name", t."tgenabled" AS "enabled"
       FROM pg_trigger t JOIN pg_class c ON c."oid" = t."tgrelid"
       WHERE t."tgrelid" IN (${adoptedTables.map((table) => `'${quoted(table)}'::regclass`).join(', ')})
         AND NOT t."tgisinternal" AND t."tgenabled" <> 'D'`,
  );
  const triggers = found.map(({ table, name, enabled }) => ({
    table: String(table),
    name: String(name),
    mode: ({ A: 'ALWAYS', R: 'REPLICA' } as const)[String(enabled)] ?? ('' as const),
  }));
  for (const { table, name } of triggers) await run(`ALTER TABLE ${quoted(table)} DISABLE TRIGGER ${quoted(name)}`);
  return triggers;
}
