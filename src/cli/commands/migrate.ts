import type { Command } from 'commander';
import { readConfig } from '../../config/config.ts';
import { migrateDatabase, type PlannedMigration, planMigrations } from '../../database/database.ts';
import { columns, counted, type JsonOption, jsonOption, say, sayNotice, sayResult, sayRows } from '../output.ts';

type MigrateOptions = JsonOption & { dryRun?: boolean; sql?: boolean };

/** Adds the command that migrates the database, or says what that would do. */
export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('Apply the missing migrations. Creates the database if it does not exist.')
    .option('--dry-run', 'print the missing migrations, and the tables that they touch. Changes nothing; exits with 0')
    .option('--sql', 'with --dry-run: print their SQL too')
    .option(...jsonOption)
    .action(async (options: MigrateOptions, command: Command) => {
      if (options.dryRun) return printPlan(options);
      if (options.sql) command.error('--sql belongs to --dry-run.');
      const applied = await migrateDatabase(readConfig().databaseUrl, { report: sayNotice });
      const lines = applied.map((name) => `Migrated ${name}`);
      sayResult({ applied }, options, ...(lines.length === 0 ? ['The database is up to date.'] : lines));
    });
}

async function printPlan({ sql: withSql = false, json = false }: MigrateOptions): Promise<void> {
  const planned = await planMigrations(readConfig().databaseUrl);
  const shown = planned.map(({ sql, ...rest }) => (withSql ? { ...rest, sql } : rest));
  sayRows(shown, { json }, linesOf);
  if (json) return;
  say(planned.length === 0 ? 'The database is up to date.' : `Would apply ${counted(planned.length, 'migration')}.`);
}

const modes = {
  TRANSACTION: 'in a transaction',
  CONCURRENT: 'outside a transaction, while reads and writes go on',
} as const;

/** Returns a migration as lines for people. */
function linesOf({ name, mode, hasCode, tables, sql }: Omit<PlannedMigration, 'sql'> & { sql?: string }): string {
  const lines = [
    columns(name, modes[mode], hasCode && 'has code, which may touch more'),
    ...tables.map((table) => `  ${columns(table.name, table.lock, sizeOf(table))}`),
    ...(sql === undefined
      ? []
      : sql
          .trimEnd()
          .split('\n')
          .map((line) => `    ${line}`)),
  ];
  return lines.join('\n');
}

function sizeOf({ rows, bytes }: PlannedMigration['tables'][number]): string | null {
  if (bytes === null) return null;
  const size = `${(bytes / 1_000_000).toFixed(1)} MB`;
  return rows === null ? size : `about ${counted(rows, 'row')}, ${size}`;
}
