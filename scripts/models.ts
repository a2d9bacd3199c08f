import { readFile } from 'node:fs/promises';
import type { DialectName } from '../src/database/migrations.ts';

/** The text of `schema.prisma` for a database. It stands there for SQLite; the models are the same for all. */
export async function readModels(dialect: DialectName): Promise<string> {
  const text = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8');
  return text.replace('provider = "sqlite"', `provider = "${dialect}"`);
}
