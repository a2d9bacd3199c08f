import pg from 'pg';
import type { OnQuery } from '../provider.ts';
import {
  type FindSession,
  type SessionRow,
  type SessionWithUser,
  sessionStatement,
  toSession,
} from '../session-read.ts';

/**
 * How many sessions a statement reads. Requests that come together are read together, by the smallest statement that
 * has room for them: a round trip costs far more than a row. The places are parameters of their own, not one array, so
 * that PostgreSQL need not plan for how many there are each time.
 */
const sizes = [1, 4, 16] as const;
const most = 16;

const texts = new Map(
  sizes.map((size) => [
    size,
    sessionStatement(`IN (${Array.from({ length: size }, (_, i) => `$${i + 1}`).join(', ')})`),
  ]),
);

/** Times are in UTC, but PostgreSQL does not say so, and the driver would take them for local ones. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.TIMESTAMP ? (time: string) => time : pg.types.getTypeParser(oid, format),
};

/**
 * What a pooler makes of a named statement that it does not know of: the connection behind it, with whatever was
 * prepared there, is another one for every query. And what PostgreSQL says of one whose columns a migration changed.
 */
const notPrepared = new Set(['26000', '42P05', '0A000']);

type Waiting = {
  handle: string;
  resolve(session: SessionWithUser | null): void;
  reject(error: unknown): void;
};

/** Reads sessions over the pool, by statements that every connection prepares once. */
export function sessionReader(pool: pg.Pool, onQuery: OnQuery = () => {}): FindSession {
  let isPreparable = true;
  let waiting: Waiting[] = [];

  function query(handles: string[], name?: string) {
    const size = sizes.find((places) => places >= handles.length) ?? most;
    const values = Array.from({ length: size }, (_, place) => handles[place] ?? handles[0]);
    const text = texts.get(size) ?? '';
    onQuery(text);
    const prepared = name === undefined ? {} : { name: `${name} ${size}` };
    return pool.query<SessionRow<string>>({ text, values, types, rowMode: 'array', ...prepared });
  }

  async function read(handles: string[]): Promise<SessionRow<string>[]> {
    if (!isPreparable) return (await query(handles)).rows;
    try {
      return (await query(handles, 'session')).rows;
    } catch (error) {
      if (!notPrepared.has((error as pg.DatabaseError).code ?? '')) throw error;
      isPreparable = false;
      return (await query(handles)).rows;
    }
  }

  async function answer(batch: Waiting[]): Promise<void> {
    try {
      const rows = await read(batch.map(({ handle }) => handle));
      for (const { handle, resolve } of batch) {
        const row = rows.find((candidate) => handleIn(candidate) === handle);
        resolve(row === undefined ? null : toSession(row, toDate));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  function answerAll(): void {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += most) void answer(all.slice(from, from + most));
  }

  return (handle) =>
    new Promise((resolve, reject) => {
      waiting.push({ handle, resolve, reject });
      // Behind what has yet to be done in this turn, in which others may come: nobody waits for longer.
      if (waiting.length === 1) process.nextTick(answerAll);
    });
}

function handleIn(row: SessionRow<string>): string {
  return row[6];
}

function toDate(time: string): Date {
  return new Date(`${time}Z`);
}
