/**
 * Generates the Prisma client of each database, and Pothos' types, from the single `prisma/schema.prisma`. A client is
 * bound to one kind of database. The schema names SQLite; PostgreSQL's client is generated from a copy that names
 * PostgreSQL.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readModels } from './models.ts';

const run = promisify(execFile);
const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js');

async function generate(...args: string[]): Promise<void> {
  try {
    await run(process.execPath, [prisma, 'generate', ...args]);
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    console.error(stdout + stderr);
    process.exit(1);
  }
}

const folder = 'src/generated/postgresql';
await mkdir(folder, { recursive: true });
const copy = (await readModels('postgresql'))
  .replace(/^generator pothos \{[^}]*\}\n/m, '')
  .replace('"../src/generated/sqlite"', '"./client"');
await writeFile(join(folder, 'schema.prisma'), copy);
await Promise.all([generate(), generate('--schema', join(folder, 'schema.prisma'))]);
