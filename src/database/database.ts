import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { StartError } from '../errors.ts';
import { type Prisma, PrismaClient } from '../generated/sqlite/client.ts';
import { migrationFolders, readMigrations, schemaFile } from './migrations.ts';
import { lockFile, type Release } from './sqlite/file-lock.ts';
import { migrateSqlite } from './sqlite/migrate.ts';
import { sqliteAdapter } from './sqlite/open.ts';

/** An open database. The type is the SQLite client's, the smaller of the two: what compiles runs on both. */
export type Database = PrismaClient;

/** A database, or a transaction on one. Domain functions take it first. */
export type Db = Prisma.TransactionClient;

export type { Release };

export type OpenOptions = {
  /** Is told the SQL of every statement that Prisma sends. */
  onQuery?: (sql: string) => void;
};

/** In milliseconds. Beginning takes as long as another process may keep its lock; what comes then is quick. */
const transactionOptions = { maxWait: 8_000, timeout: 5_000 };

/** Opens the database that the URL names. It must have been migrated. End it with `$disconnect`. */
export async function openDatabase(url: string, { onQuery }: OpenOptions = {}): Promise<Database> {
  const adapter = sqliteAdapter(fileOf(url));
  if (!onQuery) {
    const database = new PrismaClient({ adapter, transactionOptions });
    await database.$connect();
    return database;
  }
  const database = new PrismaClient({ adapter, transactionOptions, log: [{ emit: 'event', level: 'query' }] });
  database.$on('query', (event) => onQuery(event.query));
  await database.$connect();
  return database;
}

/** Brings the database up to the newest migration, creating it where it does not exist. Returns what was applied. */
export async function migrateDatabase(url: string): Promise<string[]> {
  const migrations = await readMigrations(migrationFolders.sqlite);
  return migrateSqlite(fileOf(url), migrations, await readFile(schemaFile, 'utf8'));
}

/** How long a server waits for another one that is stopping. */
const serverPatienceMs = 2_000;

/**
 * Makes this process the server of the database, where only one may be: an SQLite file has one server at a time, and
 * commands may still work on it. The returned function gives it up.
 *
 * @throws StartError when another server has it.
 */
export async function claimDatabase(url: string): Promise<Release> {
  const file = fileOf(url);
  const release = await lockFile(`${file}.server-lock`, serverPatienceMs);
  if (release) return release;
  throw new StartError(`Another server is running on ${file}. Stop it first, or let DATABASE_URL name another file.`);
}

/**
 * Takes the lock under which background work on the database is done, so that it is never done twice at once. Null if
 * it is being done, by this process or another.
 */
export function lockMaintenance(url: string): Promise<Release | null> {
  return lockFile(`${fileOf(url)}.maintenance-lock`, 0);
}

/** Whether there is a database already. */
export function databaseExists(url: string): boolean {
  return existsSync(fileOf(url));
}

/**
 * The path of the file that an SQLite URL (`file:…`) names, relative to the working directory. Links are followed, so
 * that a file has one name, by which it is locked.
 */
function fileOf(url: string): string {
  const file = resolve(url.replace(/^file:/, ''));
  return existsSync(file) ? realpathSync(file) : file;
}
