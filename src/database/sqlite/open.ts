import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { OperatorError } from '../../errors.ts';
import { autocheckpointPages } from './checkpoints.ts';
import { type DatabaseFiles, requireOneName } from './database-files.ts';
import { SerializedAdapter } from './serialized-adapter.ts';

/** The adapter's default writes dates as text, which does not compare with the integers of older versions of Prisma. */
const adapterOptions = { timestampFormat: 'unixepoch-ms' } as const;

/** A factory with the operations of our adapter besides Prisma's. */
type SerializedAdapterFactory = Omit<SqlMigrationAwareDriverAdapterFactory, 'connect'> & {
  connect(): Promise<SerializedAdapter>;
};

/**
 * Returns a factory for connections to an SQLite file that lose no data: one user at a time, a write-ahead log, and
 * every commit on the disk before it is acknowledged. They also keep no data: deleted content is overwritten.
 *
 * @param files - the files of the database, if they are watched
 */
export function sqliteAdapter(file: string, files: DatabaseFiles | null = null): SerializedAdapterFactory {
  // A wait for a lock inside SQLite would block the event loop. `SerializedAdapter` waits instead.
  const factory = new PrismaBetterSqlite3({ url: file, timeout: 0 }, adapterOptions);
  const connect = async (): Promise<SerializedAdapter> => {
    await createFolderOf(file);
    requireOneName(file);
    try {
      const adapter = new SerializedAdapter(await factory.connect(), files);
      // SQLite opens a file that it cannot write to all the same, to read it.
      await requireWritable(file);
      await requireWriteAheadLog(adapter, file);
      await adapter.executeScript(
        `PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = ${autocheckpointPages};
        PRAGMA secure_delete = ON;`,
      );
      return adapter;
    } catch (error) {
      throw error instanceof OperatorError ? error : cannotOpen(file, error);
    }
  };
  return { provider: 'sqlite', adapterName: factory.adapterName, connect, connectToShadowDb: connect };
}

/** @throws OperatorError if a file cannot be opened for writing */
export async function requireWritable(file: string): Promise<void> {
  await access(file, constants.W_OK).catch((error: Error) => {
    throw cannotOpen(file, error);
  });
}

async function requireWriteAheadLog(adapter: SqlDriverAdapter, file: string): Promise<void> {
  const { rows } = await adapter.queryRaw({ sql: 'PRAGMA journal_mode = WAL', args: [], argTypes: [] });
  if (rows[0]?.[0] !== 'wal') {
    throw new Error(`${file} cannot have a write-ahead log: its journal mode stays ${rows[0]?.[0]}.`);
  }
}

/** Returns the error for the operator if a file cannot be opened as a database. */
export function cannotOpen(file: string, error: unknown): OperatorError {
  return new OperatorError(
    `DATABASE_URL names ${file}, which cannot be opened as a database: ${(error as Error).message}.`,
  );
}

/** Creates the folder of a file if it does not exist. @throws OperatorError if that fails. */
export async function createFolderOf(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OperatorError(`DATABASE_URL names ${file}, whose folder cannot be created: ${(error as Error).message}.`);
  }
}
