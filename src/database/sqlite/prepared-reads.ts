import BetterSqlite3 from 'better-sqlite3';
import {
  isLiveAt,
  knownDeviceStatement,
  type PreparedReads,
  type RateLimitRow,
  rateLimitStatement,
  type SessionRow,
  type SessionWithUserRow,
  sessionStatement,
  sessionWithUserStatement,
  toRateLimit,
  toSession,
  toSessionWithUser,
  toUser,
  type UserRow,
  userStatement,
} from '../hot/prepared-reads.ts';
import type { OnQuery } from '../provider.ts';
import { cannotOpen } from './open.ts';
import { retryWhileBusy } from './serialized-adapter.ts';

/**
 * A parameter that stands alone makes SQLite plan the join anew for every value of it, in case that one were better
 * served by another index. As part of an expression it does not, and the statement takes a third of the time.
 */
const byHandle = sessionWithUserStatement('s."handle" = CAST(? AS TEXT)');

/** For a list of ids in JSON, so that it is one statement however long the list is. */
const byUsers = sessionStatement(
  `s."userId" IN (SELECT "value" FROM json_each(CAST(? AS TEXT))) AND ${isLiveAt} CAST(? AS INTEGER)`,
);

const byAddress = userStatement('lower(u."email") = lower(CAST(? AS TEXT))');

const devicesOf = knownDeviceStatement('CAST(? AS INTEGER)');

const byKeys = rateLimitStatement('r."key" IN (SELECT "value" FROM json_each(CAST(? AS TEXT)))');

export type Reader = { reads: PreparedReads; close(): void };

/**
 * Reads over a connection of its own, to the same file, with the same SQLite library. Over the writers' it would have
 * to wait for open transactions, or see what they have not committed; beside them it sees, in the write-ahead log,
 * whatever was committed when it is asked, and so whatever was acknowledged.
 */
export function openReader(file: string, onQuery: OnQuery = () => {}): Reader {
  const connection = open(file);
  const findByHandle = connection.prepare<[string], SessionWithUserRow<Time>>(byHandle).raw();
  const findByUsers = connection.prepare<[string, number], SessionRow<Time>>(byUsers).raw();
  const findByAddress = connection.prepare<[string], UserRow<Time>>(byAddress).raw();
  const findDevicesOf = connection.prepare<[number], number>(devicesOf).pluck();
  const findByKeys = connection.prepare<[string], RateLimitRow<Time>>(byKeys).raw();
  const reads: PreparedReads = {
    $findSession(handle) {
      onQuery(byHandle);
      return patiently(() => {
        const row = findByHandle.get(handle);
        return row === undefined ? null : toSessionWithUser(row, toDate);
      });
    },
    $findLiveSessions(userIds, now) {
      onQuery(byUsers);
      return patiently(() =>
        findByUsers.all(JSON.stringify(userIds), now.getTime()).map((row) => toSession(row, toDate)),
      );
    },
    $findUsersByAddress(address) {
      onQuery(byAddress);
      return patiently(() => findByAddress.all(address).map((row) => toUser(row, toDate)));
    },
    $findKnownDevices(userId) {
      onQuery(devicesOf);
      return patiently(() => findDevicesOf.all(userId));
    },
    $findRateLimits(keys) {
      onQuery(byKeys);
      return patiently(() => findByKeys.all(JSON.stringify(keys)).map((row) => toRateLimit(row, toDate)));
    },
  };
  return { reads, close: () => void connection.close() };
}

/** While another process recovers the file, or has it for itself, a reader waits as everybody does. */
async function patiently<T>(read: () => T): Promise<T> {
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

/** Unix milliseconds, or the text that other programs write. */
type Time = number | string;

function toDate(time: Time): Date {
  return new Date(time);
}
