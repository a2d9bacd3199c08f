/** Writes the next migration: what `prisma/schema.prisma` has that the history does not. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { missingMigration } from '../src/database/drift.ts';
import { migrationFolders, readMigrations } from '../src/database/migrations.ts';

const name = process.argv[2] ?? '';
if (!/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name)) {
  console.error(`The name of a migration is made of a-z, 0-9 and _, such as add_user_locale. It is "${name}".`);
  console.error('Usage: npm run db:migrate -- <name>');
  process.exit(2);
}

const sql = await missingMigration(await readMigrations(migrationFolders.sqlite));
if (sql === null) {
  console.log('The history already leads to prisma/schema.prisma. Nothing was written.');
} else {
  const timestamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const folder = join(migrationFolders.sqlite, `${timestamp}_${name}`);
  await mkdir(folder);
  await writeFile(join(folder, 'migration.sql'), sql);
  console.log(`Wrote ${relative('.', join(folder, 'migration.sql'))}. Read it before you commit it.`);
}
