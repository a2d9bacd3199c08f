import { readFile } from 'node:fs/promises';
import type { DialectName } from '../src/database/migrations.ts';

/** Returns the text of `schema.prisma` for a dialect. The file names SQLite; the models are the same for all. */
export async function readModels(dialect: DialectName): Promise<string> {
  const text = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8');
  return text.replace('provider = "sqlite"', `provider = "${dialect}"`);
}

/**
 * Returns the models as the tables of a dialect have them, for a comparison of the two. The schema engine would store a
 * `BigInt` of SQLite as `BIGINT`, and without AUTOINCREMENT as a primary key. SQLite's INTEGER, the engine's `Int`,
 * holds the same 64 bits.
 */
export async function readStoredModels(dialect: DialectName): Promise<string> {
  const text = await readModels(dialect);
  return dialect === 'sqlite' ? text.replaceAll(/^( +\w+ +)BigInt\b/gm, '$1Int') : text;
}
