import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import pg from 'pg';
import type { PasswordPolicy } from '../../config/config.ts';
import { claimDatabase } from '../../database/database.ts';
import { OperatorError } from '../../errors.ts';
import { ownTables } from './blitz-schema.ts';
import { type Inspection, inspect } from './inspection.ts';
import { type PlaintextChoice, replacePlaintext, storeReplacements } from './passwords.ts';
import { openPostgresqlAdoption } from './postgresql/adoption.ts';
import { openPostgresqlSource } from './postgresql/connection.ts';
import { type Adoption, countTables, type Source } from './source.ts';
import { openSqliteAdoption } from './sqlite/adoption.ts';
import { openFile, sqliteSource } from './sqlite/source.ts';

export type AdoptionOptions = {
  plaintext: PlaintextChoice;
  passwords: PasswordPolicy;
  /** The lifetime, from now, of a session without an expiry. */
  lifetimeMs: number;
  now: Date;
};

export type Adopted = {
  inspection: Inspection;
  /** The path of the backup. Null for PostgreSQL, where backups are the owner's task. */
  backup: string | null;
  /** The number of rows of each table before and after. */
  counts: { table: string; before: number; after: number }[];
};

/**
 * Inspects a Blitz.js database without a write. Returns null if it already belongs to this server.
 *
 * @throws OperatorError, with the reason, for a database that cannot be adopted.
 */
export async function inspectDatabase(url: string, now: Date): Promise<Inspection | null> {
  const { source, close } = await openSource(url);
  try {
    return await inspect(source, now);
  } catch (error) {
    throw isFromDatabase(error)
      ? new OperatorError(`The database cannot be read completely: ${error.message}.`)
      : error;
  } finally {
    await close();
  }
}

/**
 * Adopts a Blitz.js database in one transaction, after a backup of an SQLite file. Returns null, and changes nothing,
 * if it already belongs to this server.
 *
 * @throws OperatorError, or any other error, and leaves the database unchanged.
 */
export async function adoptDatabase(url: string, options: AdoptionOptions): Promise<Adopted | null> {
  const seen = await inspectDatabase(url, options.now);
  if (!seen) return null;
  const replaced = await replacePlaintext(seen.plainPasswords, options.plaintext, options.passwords);
  const release = await claimDatabase(url).catch((error) => {
    throw isFromDatabase(error) ? failed(error) : error;
  });
  try {
    const adoption = await openAdoption(url, options.now);
    try {
      await adoption.begin();
      return await runAdoption(adoption, replaced, options);
    } catch (error) {
      await adoption.rollback();
      throw isFromDatabase(error) ? failed(error) : error;
    } finally {
      await adoption.close();
    }
  } finally {
    await release();
  }
}

function isFromDatabase(error: unknown): error is Error {
  return error instanceof BetterSqlite3.SqliteError || error instanceof pg.DatabaseError;
}

/**
 * Returns the error for the operator: another program has a lock, an object depends on a column, or the disk is full.
 */
function failed(error: Error): OperatorError {
  return new OperatorError(`The adoption failed, and nothing was changed: ${error.message}.`);
}

type Replaced = Awaited<ReturnType<typeof replacePlaintext>>;

async function runAdoption(adoption: Adoption, replaced: Replaced, options: AdoptionOptions): Promise<Adopted | null> {
  // Inspects again, now that no other program can change the database.
  const inspection = await inspect(adoption, options.now);
  if (!inspection) {
    await adoption.rollback();
    return null;
  }
  const backup = await adoption.backUp();
  await adoption.relaxConstraints();
  await giveExpiry(adoption, options);
  await adoption.write(
    `UPDATE "Session" SET "userId" = NULL WHERE "userId" IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM "User" u WHERE u."id" = "Session"."userId")`,
  );
  await storeReplacements(adoption, inspection.plainPasswords, replaced);
  await adoption.finish();
  const counts = await compareCounts(adoption, inspection);
  await adoption.commit();
  return { inspection, backup, counts };
}

/**
 * Sets the expiry of sessions without one. In Blitz.js they never end. Here they get the maximum lifetime of a new
 * session.
 */
function giveExpiry(adoption: Adoption, { now, lifetimeMs }: AdoptionOptions): Promise<void> {
  const expiresAt = adoption.literal(new Date(now.getTime() + lifetimeMs));
  return adoption.write(`UPDATE "Session" SET "expiresAt" = ${expiresAt} WHERE "expiresAt" IS NULL`);
}

/**
 * Counts the rows of each table before and after. @throws Error for a difference, except in tables that this server
 * adds.
 */
async function compareCounts(source: Source, { tables }: Inspection): Promise<Adopted['counts']> {
  const after = await countTables(source);
  const names = [...new Set([...tables.keys(), ...after.keys()])];
  const counts = names.map((table) => ({ table, before: tables.get(table) ?? 0, after: after.get(table) ?? 0 }));
  for (const { table, before, after: now } of counts) {
    const isExpected = table === '_prisma_migrations' ? now > before : now === before;
    if (isExpected && (after.has(table) || ownTables.includes(table))) continue;
    throw new Error(`${table} had ${before} rows and would have ${now}. Nothing was changed.`);
  }
  return counts;
}

function isPostgresql(url: string): boolean {
  return /^postgres(ql)?:/.test(url);
}

/** Returns the path of the file in an SQLite URL. @throws OperatorError if it does not exist. */
function requireFile(url: string): string {
  const file = resolve(url.replace(/^file:/, ''));
  if (!existsSync(file)) throw new OperatorError(`DATABASE_URL is "${url}", but there is no database.`);
  return realpathSync(file);
}

async function openSource(url: string): Promise<{ source: Source; close(): void | Promise<void> }> {
  if (isPostgresql(url)) return openPostgresqlSource(url);
  const database = openFile(requireFile(url), 'look');
  return { source: sqliteSource(database), close: () => void database.close() };
}

function openAdoption(url: string, now: Date): Promise<Adoption> {
  if (isPostgresql(url)) return openPostgresqlAdoption(url);
  const file = requireFile(url);
  return openSqliteAdoption(file, `${file}.before-adoption-${now.toISOString().replaceAll(':', '-')}`);
}
