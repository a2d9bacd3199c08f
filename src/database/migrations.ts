import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Migration = { name: string; sql: string };

const prismaFolder = fileURLToPath(new URL('../../prisma/', import.meta.url));

/** Where the history of each database lies. */
export const migrationFolders = {
  sqlite: join(prismaFolder, 'migrations'),
} as const;

export type Provider = keyof typeof migrationFolders;

export const schemaFile = join(prismaFolder, 'schema.prisma');

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
