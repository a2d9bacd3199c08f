import { readFile } from 'node:fs/promises';
import type { DialectName } from '../src/database/migrations.ts';

/** Returns the text of `schema.prisma` for a dialect. The file names SQLite; the models are the same for all. */
export async function readModels(dialect: DialectName): Promise<string> {
  const text = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8');
  return text.replace('provider = "sqlite"', `provider = "${dialect}"`);
}
