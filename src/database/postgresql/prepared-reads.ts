import DataLoader from 'dataloader';
import pg from 'pg';
import {
  isLiveAt,
  knownDeviceStatement,
  type PreparedReads,
  type RateLimitRow,
  rateLimitStatement,
  type SessionRow,
  type SessionWithUser,
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

/**
 * How many sessions a statement reads by their handles. Requests that come together are read together, by the smallest
 * statement that has room for them: a round trip costs far more than a row. The places are parameters of their own, not
 * one array, so that PostgreSQL need not plan for how many there are each time.
 */
const sizes = [1, 4, 16] as const;
const most = 16;

const byHandles = new Map(
  sizes.map((size) => {
    const places = Array.from({ length: size }, (_, index) => `$${index + 1}`);
    return [size, sessionWithUserStatement(`s."handle" IN (${places.join(', ')})`)];
  }),
);

const byUsers = sessionStatement(`s."userId" = ANY($1::int[]) AND ${isLiveAt} $2::timestamp`);

const byAddress = userStatement('lower(u."email") = lower($1)');

const devicesOf = knownDeviceStatement('$1');

const byKeys = rateLimitStatement('r."key" = ANY($1::text[])');

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

/** Reads over the pool, by statements that every connection prepares once. */
export function preparedReads(pool: pg.Pool, onQuery: OnQuery = () => {}): PreparedReads {
  let isPreparable = true;

  function query<Row extends unknown[]>(text: string, values: unknown[], name?: string) {
    onQuery(text);
    const prepared = name === undefined ? {} : { name };
    return pool.query<Row>({ text, values, types, rowMode: 'array', ...prepared });
  }

  async function read<Row extends unknown[]>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    if (!isPreparable) return (await query<Row>(text, values)).rows;
    try {
      return (await query<Row>(text, values, name)).rows;
    } catch (error) {
      if (!notPrepared.has((error as pg.DatabaseError).code ?? '')) throw error;
      isPreparable = false;
      return (await query<Row>(text, values)).rows;
    }
  }

  return {
    $findSession: together(async (handles) => {
      const size = sizes.find((places) => places >= handles.length) ?? most;
      const places = Array.from({ length: size }, (_, place) => handles[place] ?? handles[0]);
      const text = byHandles.get(size) ?? '';
      const rows = await read<SessionWithUserRow<string>>(`sessions by ${size} handles`, text, places);
      const sessions = rows.map((row) => toSessionWithUser(row, toDate));
      return handles.map((handle) => sessions.find((session) => session.handle === handle) ?? null);
    }),
    async $findLiveSessions(userIds, now) {
      const rows = await read<SessionRow<string>>('sessions by users', byUsers, [userIds, now.toISOString()]);
      return rows.map((row) => toSession(row, toDate));
    },
    async $findUsersByAddress(address) {
      const rows = await read<UserRow<string>>('users by address', byAddress, [address]);
      return rows.map((row) => toUser(row, toDate));
    },
    async $findKnownDevices(userId) {
      const rows = await read<[id: number]>('known devices', devicesOf, [userId]);
      return rows.map(([id]) => id);
    },
    async $findRateLimits(keys) {
      const rows = await read<RateLimitRow<string>>('rate limits by keys', byKeys, [keys]);
      return rows.map((row) => toRateLimit(row, toDate));
    },
  };
}

type FindMany = (handles: string[]) => Promise<(SessionWithUser | null)[]>;

/** Finds one at a time, those that are asked for in one turn of the event loop together. Nothing is kept. */
function together(findMany: FindMany): PreparedReads['$findSession'] {
  const options = { cache: false, maxBatchSize: most, batchScheduleFn: (batch: () => void) => process.nextTick(batch) };
  const loader = new DataLoader((handles: readonly string[]) => findMany([...handles]), options);
  return (handle) => loader.load(handle);
}

function toDate(time: string): Date {
  return new Date(`${time}Z`);
}
