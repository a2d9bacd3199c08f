import BetterSqlite3 from 'better-sqlite3';
import type { OnQuery } from '../dialect.ts';
import {
  isLiveAt,
  type PreparedReads,
  rateLimits,
  selectSessionsWithUsers,
  serviceClients,
  sessions,
  tokenIds,
  users,
} from '../hot/prepared-reads.ts';
import { type Row, type Select, select, type Value } from '../hot/select.ts';
import type { Ids } from '../ids.ts';
import type { DatabaseFiles } from './database-files.ts';
import { cannotOpen } from './open.ts';
import { retryWhileBusy } from './serialized-adapter.ts';

/**
 * The cast keeps SQLite from planning the join anew for every value of a parameter, in case another index suits that
 * value better. SQLite does so for a bare parameter, but not for one inside an expression, and the statement then takes
 * a third of the time.
 */
const byHandle = selectSessionsWithUsers('s."handle" = CAST(? AS TEXT)', toDate);

/** Takes the ids as a JSON list, so that there is one statement for lists of any length. */
const byUsers = select(
  sessions,
  `s."userId" IN (SELECT "value" FROM json_each(CAST(? AS TEXT))) AND ${isLiveAt} CAST(? AS INTEGER)`,
  toDate,
);

const byAddress = select(users, 'lower(u."email") = lower(CAST(? AS TEXT))', toDate);

const byUsername = select(users, 'u."usernameKey" = CAST(? AS TEXT)', toDate);

const byPurpose = select(tokenIds, 't."userId" = CAST(? AS INTEGER) AND t."purpose" = CAST(? AS TEXT)', toDate);

const byClientId = select(serviceClients, 'c."clientId" = CAST(? AS TEXT)', toDate);

const byKeys = select(rateLimits, 'r."key" IN (SELECT "value" FROM json_each(CAST(? AS TEXT)))', toDate);

export type Reader = {
  reads: PreparedReads;
  /** Returns the highest id that a table has given out. */
  newestId: Ids['$newestId'];
  connection: BetterSqlite3.Database;
};

/**
 * Opens the reads on a connection of their own, to the same file, with the same SQLite library. On the writers'
 * connection they would wait for open transactions, or see uncommitted data. On their own they see, in the write-ahead
 * log, everything that was committed when they begin, and so everything that was acknowledged.
 */
export function openReader(file: string, files: DatabaseFiles, onQuery: OnQuery = () => {}): Reader {
  const connection = open(file);
  const find = connection.prepare<[string], Row>(byHandle.sql).raw().safeIntegers();

  /** Retries while another process recovers the file or has it exclusively, as all other statements do. */
  async function retryRead<T>(read: () => T): Promise<T> {
    files.requireKnown();
    try {
      return read();
    } catch {
      return retryWhileBusy(async () => read());
    }
  }

  /** Prepares a statement, and returns a function that reads with its parameters. */
  function finder<Selected>({ sql, toRecord }: Select<Selected>) {
    const statement = connection.prepare<Value[], Row>(sql).raw().safeIntegers();
    return (...parameters: Value[]) => {
      onQuery(sql);
      return retryRead(() => statement.all(...parameters).map(toRecord));
    };
  }

  const findByUsers = finder(byUsers);
  const findByUsername = finder(byUsername);
  const findByPurpose = finder(byPurpose);
  const findByClientId = finder(byClientId);
  const findByKeys = finder(byKeys);
  const reads: PreparedReads = {
    $findSession(handle) {
      onQuery(byHandle.sql);
      return retryRead(() => {
        const row = find.get(handle);
        return row === undefined ? null : byHandle.toRecord(row);
      });
    },
    $findLiveSessions: (userIds, now) => findByUsers(`[${userIds.join()}]`, now.getTime()),
    $findUsersByAddress: finder(byAddress),
    async $findUserByUsername(key) {
      const [user] = await findByUsername(key);
      return user ?? null;
    },
    async $findServiceClient(clientId) {
      const [client] = await findByClientId(clientId);
      return client ?? null;
    },
    async $findTokenIds(userId, purpose) {
      const tokens = await findByPurpose(userId, purpose);
      return tokens.map(({ id }) => id);
    },
    $findRateLimits: (keys) => findByKeys(JSON.stringify(keys)),
  };
  // SQLite keeps it in the transaction that gives the id out, also when the row is deleted (AUTOINCREMENT).
  const sequence = connection.prepare<[string], Row>('SELECT "seq" FROM "sqlite_sequence" WHERE "name" = ?');
  sequence.raw().safeIntegers();
  const newestId = (table: string) => retryRead(() => BigInt(sequence.get(table)?.[0] ?? 0));
  return { reads, newestId, connection };
}

function open(file: string): BetterSqlite3.Database {
  try {
    return new BetterSqlite3(file, { readonly: true, timeout: 0 });
  } catch (error) {
    throw cannotOpen(file, error);
  }
}

/** Reads Unix milliseconds, or text as other programs write it. */
function toDate(time: string | number | bigint): Date {
  return new Date(typeof time === 'bigint' ? Number(time) : time);
}
