import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDriverAdapterError, type SqlQueryable } from '@prisma/driver-adapter-utils';
import { OperatorError } from '../errors.ts';

export type Migration = { name: string; sql: string };

const prismaFolder = fileURLToPath(new URL('../../prisma/', import.meta.url));

/** Where the history of each database lies. */
export const migrationFolders = {
  sqlite: join(prismaFolder, 'migrations'),
  postgresql: join(prismaFolder, 'postgresql/migrations'),
} as const;

export type Provider = keyof typeof migrationFolders;

/** The text of `schema.prisma` for a database. It stands there for SQLite; the models are the same for all. */
export async function readModels(provider: Provider): Promise<string> {
  const text = await readFile(join(prismaFolder, 'schema.prisma'), 'utf8');
  return text.replace('provider = "sqlite"', `provider = "${provider}"`);
}

/** The history in the order in which it is applied, oldest first. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => ({
      name,
      sql: await readFile(join(folder, name, 'migration.sql'), 'utf8'),
    })),
  );
}

/** The history in the form that Prisma's schema engine takes. */
export function toMigrationList(provider: Provider, migrations: Migration[]) {
  return {
    baseDir: migrationFolders[provider],
    lockfile: { path: './migration_lock.toml', content: `provider = "${provider}"\n` },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: sql } },
    })),
  };
}

/**
 * Whether every migration is applied, which spares a start the loading of the engine.
 *
 * @throws OperatorError for a database with users that another program keeps.
 */
export async function isUpToDate(connection: SqlQueryable, migrations: Migration[]): Promise<boolean> {
  // In this order: somebody else may be migrating, and makes both visible at once.
  const hasUsers = (await rowsOf(connection, 'SELECT 1 FROM "User" LIMIT 1')) !== null;
  const applied = await rowsOf(
    connection,
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const names = new Set(applied?.map(([name]) => name));
  if (hasUsers && !names.has(migrations[0]?.name)) throw new OperatorError(isSomebodyElses);
  return migrations.every(({ name }) => names.has(name));
}

const isSomebodyElses =
  'The database has users that another application keeps, and nothing was changed. If that is on Blitz.js, ' +
  '"npm run cli -- adopt" says what taking it over does. Otherwise let DATABASE_URL name another database.';

/** The rows of a table, or null if there is no such table. */
async function rowsOf(connection: SqlQueryable, sql: string): Promise<unknown[][] | null> {
  try {
    return (await connection.queryRaw({ sql, args: [], argTypes: [] })).rows;
  } catch (error) {
    if (isDriverAdapterError(error) && error.cause.kind === 'TableDoesNotExist') return null;
    throw error;
  }
}

/** What whoever started the server is told of a migration that failed. */
export function migrationFailed(name: string | undefined, error: unknown): OperatorError {
  const what = name === undefined ? 'Migrating' : `The migration ${name}`;
  return new OperatorError(`${what} failed, and nothing was changed: ${(error as Error).message}`);
}
