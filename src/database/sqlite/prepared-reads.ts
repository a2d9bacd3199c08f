import BetterSqlite3 from 'better-sqlite3';
import type { OnQuery } from '../dialect.ts';
import {
  isLiveAt,
  type PreparedReads,
  rateLimits,
  selectSessionsWithUsers,
  sessions,
  tokenIds,
  users,
} from '../hot/prepared-reads.ts';
import { type Row, type Select, select, type Value } from '../hot/select.ts';
import { cannotOpen } from './open.ts';
import { retryWhileBusy } from './serialized-adapter.ts';

/**
 * A parameter that stands alone makes SQLite plan the join anew for every value of it, in case that one were better
 * served by another index. As part of an expression it does not, and the statement takes a third of the time.
 */
const byHandle = selectSessionsWithUsers('s."handle" = CAST(? AS TEXT)', toDate);

/** For a list of ids in JSON, so that it is one statement however long the list is. */
const byUsers = select(
  sessions,
  `s."userId" IN (SELECT "value" FROM json_each(CAST(? AS TEXT))) AND ${isLiveAt} CAST(? AS INTEGER)`,
  toDate,
);

const byAddress = select(users, 'lower(u."email") = lower(CAST(? AS TEXT))', toDate);

const byPurpose = select(tokenIds, 't."userId" = CAST(? AS INTEGER) AND t."purpose" = CAST(? AS TEXT)', toDate);

const byKeys = select(rateLimits, 'r."key" IN (SELECT "value" FROM json_each(CAST(? AS TEXT)))', toDate);

export type Reader = { reads: PreparedReads; close(): void };

/**
 * Reads over a connection of its own, to the same file, with the same SQLite library. Over the writers' it would have
 * to wait for open transactions, or see what they have not committed; beside them it sees, in the write-ahead log,
 * whatever was committed when it is asked, and so whatever was acknowledged.
 */
export function openReader(file: string, onQuery: OnQuery = () => {}): Reader {
  const connection = open(file);
  const find = connection.prepare<[string], Row>(byHandle.sql).raw();

  /** Prepares a statement, and returns what reads with parameters for it. */
  function finder<Selected>({ sql, toRecord }: Select<Selected>) {
    const statement = connection.prepare<Value[], Row>(sql).raw();
    return (...parameters: Value[]) => {
      onQuery(sql);
      return retryRead(() => statement.all(...parameters).map(toRecord));
    };
  }

  const findByUsers = finder(byUsers);
  const findByPurpose = finder(byPurpose);
  const findByKeys = finder(byKeys);
  const reads: PreparedReads = {
    $findSession(handle) {
      onQuery(byHandle.sql);
      return retryRead(() => {
        const row = find.get(handle);
        return row === undefined ? null : byHandle.toRecord(row);
      });
    },
    $findLiveSessions: (userIds, now) => findByUsers(JSON.stringify(userIds), now.getTime()),
    $findUsersByAddress: finder(byAddress),
    async $findTokenIds(userId, purpose) {
      const tokens = await findByPurpose(userId, purpose);
      return tokens.map(({ id }) => id);
    },
    $findRateLimits: (keys) => findByKeys(JSON.stringify(keys)),
  };
  return { reads, close: () => void connection.close() };
}

/** While another process recovers the file, or has it for itself, a reader waits as everybody does. */
async function retryRead<T>(read: () => T): Promise<T> {
  try {
    return read();
  } catch {
    return retryWhileBusy(async () => read());
  }
}

function open(file: string): BetterSqlite3.Database {
  try {
    return new BetterSqlite3(file, { readonly: true, timeout: 0 });
  } catch (error) {
    throw cannotOpen(file, error);
  }
}

/** Reads Unix milliseconds, or the text that other programs write. */
function toDate(time: number | string): Date {
  return new Date(time);
}
