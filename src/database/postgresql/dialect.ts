import { OperatorError } from '../../errors.ts';
import { PrismaClient } from '../../generated/postgresql/client/client.ts';
import type { PrismaClient as SqliteClient } from '../../generated/sqlite/client.ts';
import { databaseClock } from '../clock.ts';
import { type Dialect, transactionOptions } from '../dialect.ts';
import { migrationFolders, readMigrations } from '../migrations.ts';
import { timeStatements } from '../observe/statement-times.ts';
import { postgresqlStorage } from '../observe/storage.ts';
import { planPostgresql } from '../plan/postgresql.ts';
import { postgresqlProbe } from '../readiness/postgresql-probe.ts';
import { guardedAdapter } from './guarded-adapter.ts';
import { isWithoutServers, watchLargestId, widenIds } from './ids.ts';
import { migratePostgresql, withClient } from './migrate.ts';
import { openPool } from './pool.ts';
import { preparedReads } from './prepared-reads.ts';
import { preparedStatements } from './prepared-statements.ts';
import { tableIds } from './table-ids.ts';
import { targetOf } from './target.ts';

const defaultPoolSize = 10;

/** PostgreSQL: for production, and for any number of servers. */
export const postgresqlDialect: Dialect = {
  async open(url, options) {
    const { poolSize = defaultPoolSize, isReplica = false, report = () => {} } = options;
    const { onQuery, onStatement, onSharedRead } = options;
    // A session that has ended may still be live on a standby, which is behind.
    const target = targetOf(url) ?? (isReplica ? 'any' : 'primary');
    const pool = openPool(url, { size: poolSize, target, report });
    const statements = preparedStatements(report);
    const factory = guardedAdapter(pool, statements);
    const queryable = await factory.connect();
    if (onStatement) timeStatements(queryable, onStatement);
    const database = new PrismaClient({
      adapter: { ...factory, connect: async () => queryable },
      transactionOptions,
      log: onQuery ? [{ emit: 'event', level: 'query' }] : [],
    });
    if (onQuery) database.$on('query', (event) => onQuery(event.query));
    await database.$connect();
    const reads = preparedReads(pool, statements, { onQuery, onStatement, onSharedRead });
    // Both clients are generated from the same models. Additional features of PostgreSQL's client are not used.
    const facts = { ...tableIds(pool), ...postgresqlStorage(pool) };
    return Object.assign(database as unknown as SqliteClient, reads, facts, {
      $driver: { queryable, onQuery },
      $probe: postgresqlProbe(pool),
      $largestId: await watchLargestId(pool),
    });
  },

  async migrate(url, options) {
    const applied = await migratePostgresql(url, await readMigrations(migrationFolders.postgresql), options);
    // A view of an id, for example, may be in the way. The server works without it, and `widen-ids` says what it is.
    await withClient(url, (client) => widenIds(client, () => isWithoutServers(client))).catch(() => {});
    return applied;
  },

  async plan(url) {
    return planPostgresql(url, await readMigrations(migrationFolders.postgresql));
  },

  widenIds: (url) => withClient(url, (client) => widenIds(client, async () => true)),

  async claim() {
    return () => {};
  },

  async backup() {
    throw new OperatorError(
      '`backup` copies an SQLite file. Back up PostgreSQL with its own tools: ' +
        'pg_dump --format=custom --file=FILE "$DATABASE_URL". See docs/backup.md.',
    );
  },

  async restore() {
    throw new OperatorError(
      '`restore` replaces an SQLite file. Restore PostgreSQL with its own tools: pg_restore --clean --if-exists ' +
        '--single-transaction --no-owner --dbname="$DATABASE_URL" FILE, then end the sessions that came back with ' +
        '`revoke --all`, before any server starts. See docs/backup.md.',
    );
  },

  async exists() {
    return true;
  },

  clock: databaseClock,
};
