/**
 * Writes the next migration of each history, SQLite's and PostgreSQL's: the changes of `prisma/schema.prisma` that they
 * lack. PostgreSQL's is computed on a server from npm, which is started for it, or on the server of TEST_DATABASE_URL.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type DialectName, migrationFolders, readMigrations } from '../src/database/migrations.ts';
import { withScratchDatabase } from '../test/support/postgresql-server.ts';
import { missingMigration } from './drift.ts';

const name = process.argv[2] ?? '';
if (!/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name)) {
  console.error(`The name of a migration must consist of a-z, 0-9 and _, such as add_user_locale. It is "${name}".`);
  console.error('Usage: npm run db:migrate -- <name>');
  process.exit(2);
}
const timestamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);

async function writeNext(dialect: DialectName, scratch: string): Promise<void> {
  const sql = await missingMigration(dialect, await readMigrations(migrationFolders[dialect]), scratch);
  if (sql === null) {
    console.log(`The history for ${dialect} already leads to prisma/schema.prisma. Nothing was written.`);
    return;
  }
  const folder = join(migrationFolders[dialect], `${timestamp}_${name}`);
  await mkdir(folder);
  await writeFile(join(folder, 'migration.sql'), sql);
  console.log(`Wrote ${relative('.', join(folder, 'migration.sql'))}. Review it before you commit it.`);
}

const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-'));
await writeNext('sqlite', join(folder, 'scratch.db'));
await rm(folder, { recursive: true });
await withScratchDatabase((url) => writeNext('postgresql', url));
