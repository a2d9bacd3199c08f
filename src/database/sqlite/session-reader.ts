import BetterSqlite3 from 'better-sqlite3';
import type { OnQuery } from '../provider.ts';
import { type FindSession, type SessionRow, sessionStatement, toSession } from '../session-read.ts';
import { cannotOpen } from './open.ts';
import { retryWhileBusy } from './serialized-adapter.ts';

/**
 * A parameter that stands alone makes SQLite plan the join anew for every value of it, in case that one were better
 * served by another index. As part of an expression it does not, and the statement takes a third of the time.
 */
const text = sessionStatement('= CAST(? AS TEXT)');

export type SessionReader = { find: FindSession; close(): void };

/**
 * Reads sessions over a connection of its own, to the same file, with the same SQLite library. Over the writers' it
 * would have to wait for open transactions, or see what they have not committed; beside them it sees, in the
 * write-ahead log, whatever was committed when it is asked, and so whatever was acknowledged.
 */
export function openSessionReader(file: string, onQuery: OnQuery = () => {}): SessionReader {
  const connection = open(file);
  const statement = connection.prepare<[string], SessionRow<Time>>(text).raw();
  const read = (handle: string) => {
    const row = statement.get(handle);
    return row === undefined ? null : toSession(row, toDate);
  };
  return {
    async find(handle) {
      onQuery(text);
      try {
        return read(handle);
      } catch {
        // While another process recovers the file or has it for itself, a reader waits as everybody does.
        return retryWhileBusy(async () => read(handle));
      }
    },
    close: () => void connection.close(),
  };
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
