import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { OperatorError } from '../../errors.ts';
import { PrismaClient } from '../../generated/sqlite/client.ts';
import { localClock } from '../clock.ts';
import { type Dialect, transactionOptions } from '../dialect.ts';
import { largestIds } from '../ids.ts';
import { migrationFolders, readMigrations } from '../migrations.ts';
import { timeStatements } from '../observe/statement-times.ts';
import { sqliteStorage } from '../observe/storage.ts';
import { planSqlite } from '../plan/sqlite.ts';
import { sqliteProbe } from '../readiness/sqlite-probe.ts';
import { backUpSqlite } from './backup/backup.ts';
import { leave } from './backup/leave.ts';
import { restoreSqlite } from './backup/restore.ts';
import { startCheckpoints } from './checkpoints.ts';
import { DatabaseFiles, requireOneName } from './database-files.ts';
import { lockFile } from './file-lock.ts';
import { migrateSqlite } from './migrate.ts';
import { requireWritable, sqliteAdapter } from './open.ts';
import { openReader } from './prepared-reads.ts';

/** The time for which a server waits for another one that is stopping, in milliseconds. */
const claimTimeoutMs = 2_000;

/** SQLite: one file, one server. */
export const sqliteDialect: Dialect = {
  async open(url, { onQuery, onStatement, report = () => {}, onLost }) {
    const file = fileOf(url);
    const files = new DatabaseFiles(file);
    const factory = sqliteAdapter(file, files);
    const queryable = await factory.connect();
    if (onStatement) timeStatements(queryable, onStatement);
    const database = new PrismaClient({
      adapter: { ...factory, connect: async () => queryable },
      transactionOptions,
      log: onQuery ? [{ emit: 'event', level: 'query' }] : [],
    });
    if (onQuery) database.$on('query', (event) => onQuery(event.query));
    await database.$connect();
    const reader = openReader(file, files, onQuery);
    const checkpoints = startCheckpoints(file);
    let saving = Promise.resolve();
    const disconnect = database.$disconnect.bind(database);
    const close = async () => {
      await Promise.all([files.stop(), checkpoints.stop(), saving]);
      reader.connection.close();
      await disconnect();
    };
    try {
      files.begin(() => {
        if (!onLost) return;
        const lost = { file, isInPlace: files.isDatabaseInPlace, reader: reader.connection, writer: queryable };
        saving = leave(lost, report);
        onLost(saving);
      });
    } catch (error) {
      await close();
      throw error;
    }
    return Object.assign(database, {
      ...reader.reads,
      ...sqliteStorage(file),
      $driver: { queryable, onQuery },
      $probe: sqliteProbe({ file, files, reader: reader.connection, writer: queryable }),
      $largestId: () => largestIds.of64Bits,
      $newestId: reader.newestId,
      // One transaction writes at a time, so that ids are committed in their order.
      $writersOf: async () => new Set<string>(),
      $disconnect: close,
    });
  },

  async migrate(url) {
    return migrateSqlite(fileOf(url), await readMigrations(migrationFolders.sqlite));
  },

  async plan(url) {
    return planSqlite(fileOf(url), await readMigrations(migrationFolders.sqlite));
  },

  async widenIds() {
    return false;
  },

  async claim(url) {
    const file = fileOf(url);
    requireOneName(file);
    if (existsSync(file)) await requireWritable(file);
    const release = await lockFile(`${file}.server-lock`, claimTimeoutMs);
    if (release) return release;
    throw new OperatorError(
      `Another server is running on ${file}. Stop it first, or set DATABASE_URL to another file.`,
    );
  },

  backup: (url, file) => backUpSqlite(fileOf(url), file),

  async restore(url, source, prepare) {
    const release = await this.claim(url);
    try {
      return await restoreSqlite(fileOf(url), source, {
        known: await readMigrations(migrationFolders.sqlite),
        prepare: async (copy) => {
          const database = await this.open(`file:${copy}`, {});
          await prepare(database).finally(() => database.$disconnect());
        },
      });
    } finally {
      await release();
    }
  },

  async exists(url) {
    return existsSync(fileOf(url));
  },

  async clock() {
    return localClock;
  },
};

/**
 * Returns the path of the file in an SQLite URL (`file:…`), relative to the working directory. Symbolic links are
 * resolved, so that a file has one name, by which it is locked.
 */
function fileOf(url: string): string {
  const file = resolve(url.replace(/^file:/, ''));
  return existsSync(file) ? realpathSync(file) : file;
}
