import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { OperatorError } from '../../errors.ts';
import { PrismaClient } from '../../generated/sqlite/client.ts';
import { localClock } from '../clock.ts';
import { type Dialect, transactionOptions } from '../dialect.ts';
import { largestIds } from '../ids.ts';
import { migrationFolders, readMigrations } from '../migrations.ts';
import { timeStatements } from '../observe/statement-times.ts';
import { startCheckpoints } from './checkpoints.ts';
import { lockFile } from './file-lock.ts';
import { migrateSqlite } from './migrate.ts';
import { sqliteAdapter } from './open.ts';
import { openReader } from './prepared-reads.ts';

/** The time for which a server waits for another one that is stopping, in milliseconds. */
const claimTimeoutMs = 2_000;

/** SQLite: one file, one server. */
export const sqliteDialect: Dialect = {
  async open(url, { onQuery, onStatement }) {
    const factory = sqliteAdapter(fileOf(url));
    const queryable = await factory.connect();
    if (onStatement) timeStatements(queryable, onStatement);
    const database = new PrismaClient({
      adapter: { ...factory, connect: async () => queryable },
      transactionOptions,
      log: onQuery ? [{ emit: 'event', level: 'query' }] : [],
    });
    if (onQuery) database.$on('query', (event) => onQuery(event.query));
    await database.$connect();
    const reader = openReader(fileOf(url), onQuery);
    const checkpoints = startCheckpoints(fileOf(url));
    const disconnect = database.$disconnect.bind(database);
    return Object.assign(database, {
      ...reader.reads,
      $driver: { queryable, onQuery },
      $largestId: () => largestIds.of64Bits,
      // One transaction writes at a time, so that ids are committed in their order.
      async $settledId(table: 'AuditEvent') {
        const query = { sql: `SELECT max("id") FROM "${table}"`, args: [], argTypes: [] };
        const { rows } = await queryable.queryRaw(query);
        // The adapter returns a number, or text if a number would not hold it.
        return BigInt((rows[0]?.[0] ?? 0) as number | string);
      },
      async $disconnect() {
        await checkpoints.stop();
        reader.close();
        await disconnect();
      },
    });
  },

  async migrate(url) {
    return migrateSqlite(fileOf(url), await readMigrations(migrationFolders.sqlite));
  },

  async widenIds() {
    return false;
  },

  async claim(url) {
    const file = fileOf(url);
    const release = await lockFile(`${file}.server-lock`, claimTimeoutMs);
    if (release) return release;
    throw new OperatorError(
      `Another server is running on ${file}. Stop it first, or set DATABASE_URL to another file.`,
    );
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
