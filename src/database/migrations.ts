import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Migration = { name: string; sql: string };

const prismaFolder = fileURLToPath(new URL('../../prisma/', import.meta.url));

/** The folder of each dialect's migration history. */
export const migrationFolders = {
  sqlite: join(prismaFolder, 'migrations'),
  postgresql: join(prismaFolder, 'postgresql/migrations'),
} as const;

export type DialectName = keyof typeof migrationFolders;

/** Reads a migration history in the order in which it is applied, oldest first. */
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
