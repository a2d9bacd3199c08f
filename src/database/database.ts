import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Prisma, PrismaClient } from '../generated/sqlite/client.ts';
import { migrationFolders, readMigrations, schemaFile } from './migrations.ts';
import { migrateSqlite } from './sqlite/migrate.ts';
import { sqliteAdapter } from './sqlite/open.ts';
import { lockForServer } from './sqlite/server-lock.ts';

/** An open database. The type is the SQLite client's, the smaller of the two: what compiles runs on both. */
export type Database = PrismaClient;

/** A database, or a transaction on one. Domain functions take it first. */
export type Db = Prisma.TransactionClient;

export type OpenOptions = {
  /** Is told the SQL of every statement that Prisma sends. */
  onQuery?: (sql: string) => void;
};

/** Opens the database that the URL names. It must have been migrated. End it with `$disconnect`. */
export async function openDatabase(url: string, { onQuery }: OpenOptions = {}): Promise<Database> {
  const adapter = sqliteAdapter(fileOf(url));
  if (!onQuery) {
    const database = new PrismaClient({ adapter });
    await database.$connect();
    return database;
  }
  const database = new PrismaClient({ adapter, log: [{ emit: 'event', level: 'query' }] });
  database.$on('query', (event) => onQuery(event.query));
  await database.$connect();
  return database;
}

/** Brings the database up to the newest migration, creating it where it does not exist. Returns what was applied. */
export async function migrateDatabase(url: string): Promise<string[]> {
  const migrations = await readMigrations(migrationFolders.sqlite);
  return migrateSqlite(fileOf(url), migrations, await readFile(schemaFile, 'utf8'));
}

/**
 * Makes this process the server of the database, where only one may be: an SQLite file has one server at a time.
 * The returned function gives it up.
 *
 * @throws StartError when another server has it.
 */
export function claimDatabase(url: string): Promise<() => void> {
  return lockForServer(fileOf(url));
}

/** The path of the file that an SQLite URL (`file:…`) names, relative to the working directory. */
function fileOf(url: string): string {
  return resolve(url.replace(/^file:/, ''));
}
