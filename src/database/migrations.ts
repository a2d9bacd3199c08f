import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDriverAdapterError, type SqlQueryable } from '@prisma/driver-adapter-utils';
import { StartError } from '../errors.ts';

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

/** Whether every migration is applied, which spares a start the loading of the engine. */
export async function isUpToDate(connection: SqlQueryable, migrations: Migration[]): Promise<boolean> {
  const sql = `SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`;
  try {
    const { rows } = await connection.queryRaw({ sql, args: [], argTypes: [] });
    const names = new Set(rows.map(([name]) => name));
    return migrations.every(({ name }) => names.has(name));
  } catch (error) {
    if (isDriverAdapterError(error) && error.cause.kind === 'TableDoesNotExist') return false;
    throw error;
  }
}

/** What whoever started the server is told of a migration that failed. */
export function migrationFailed(name: string | undefined, error: unknown): StartError {
  const what = name === undefined ? 'Migrating' : `The migration ${name}`;
  return new StartError(`${what} failed, and nothing was changed: ${(error as Error).message}`);
}
