import { AsyncResource } from 'node:async_hooks';
import DataLoader from 'dataloader';
import pg from 'pg';
import type { OpenOptions } from '../dialect.ts';
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
import { type Row, type Select, select } from '../hot/select.ts';
import { timed } from '../observe/statement-times.ts';
import type { PreparedStatements } from './prepared-statements.ts';

/**
 * Statements that read up to 1, 4 or 16 sessions by their handles. Concurrent requests are read together, by the
 * smallest statement with room for them: a round trip costs far more than a row. The handles are separate parameters
 * and not one array, so that PostgreSQL need not plan for their number each time.
 */
const byHandles = [1, 4, 16].map((size) => {
  const places = Array.from({ length: size }, (_, index) => `$${index + 1}`);
  return { size, statement: selectSessionsWithUsers(`s."handle" IN (${places.join(', ')})`, toDate) };
});
const maxBatchSize = 16;

const byUsers = select(sessions, `s."userId" = ANY($1::bigint[]) AND ${isLiveAt} $2::timestamp`, toDate);

const byAddress = select(users, 'lower(u."email") = lower($1)', toDate);

const byUsername = select(users, 'u."usernameKey" = $1', toDate);

const byPurpose = select(tokenIds, 't."userId" = $1 AND t."purpose" = $2', toDate);

const byClientIds = select(serviceClients, 'c."clientId" = ANY($1::text[])', toDate);

const byKeys = select(rateLimits, 'r."key" = ANY($1::text[])', toDate);

/** Times are in UTC, but PostgreSQL does not say so, and the driver would parse them as local times. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.TIMESTAMP ? (time: string) => time : pg.types.getTypeParser(oid, format),
};

type Listeners = Pick<OpenOptions, 'onQuery' | 'onStatement' | 'onSharedRead'>;

/** Returns the reads on a pool, by statements that every connection prepares once. */
export function preparedReads(
  pool: pg.Pool,
  { nameOf, stopIfMissing }: PreparedStatements,
  { onQuery, onStatement, onSharedRead }: Listeners,
): PreparedReads {
  function send(text: string, values: unknown[]) {
    onQuery?.(text);
    const name = nameOf(text);
    const prepared = name === null ? {} : { name };
    return pool.query<Row>({ text, values, types, rowMode: 'array', ...prepared });
  }
  const query = onStatement ? timed('read', send, onStatement) : send;

  async function read(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await query(text, values)).rows;
    } catch (error) {
      if (!stopIfMissing((error as pg.DatabaseError).code)) throw error;
      return (await query(text, values)).rows;
    }
  }

  /** Returns the function that sends a statement. Names it now, before other statements can take all names. */
  function finder<Selected>({ sql, toRecord }: Select<Selected>): (values: unknown[]) => Promise<Selected[]> {
    nameOf(sql);
    return async (values) => (await read(sql, values)).map(toRecord);
  }

  /** Combines the calls of one turn. Each tells its own wait; the statement belongs to none of the callers. */
  function shared<Found>(findMany: (keys: string[]) => Promise<Found[]>): (key: string) => Promise<Found> {
    if (!onSharedRead) return batched(findMany);
    const outside = new AsyncResource('SharedRead');
    return timed(
      'read',
      batched((keys) => outside.runInAsyncScope(findMany, null, keys)),
      onSharedRead,
    );
  }

  const findByHandles = byHandles.map(({ size, statement }) => ({ size, find: finder(statement) }));
  const findByUsers = finder(byUsers);
  const findByAddress = finder(byAddress);
  const findByUsername = finder(byUsername);
  const findByPurpose = finder(byPurpose);
  const findByClientIds = finder(byClientIds);
  const findByKeys = finder(byKeys);

  return {
    $findSession: shared(async (handles) => {
      const fitting = findByHandles.find(({ size }) => size >= handles.length);
      if (!fitting) throw new Error(`No statement fits ${handles.length} handles.`);
      const { size, find } = fitting;
      const places = Array.from({ length: size }, (_, place) => handles[place] ?? handles[0]);
      const found = await find(places);
      return handles.map((handle) => found.find((session) => session.handle === handle) ?? null);
    }),
    $findLiveSessions: (userIds, now) => findByUsers([userIds, now.toISOString()]),
    $findUsersByAddress: (address) => findByAddress([address]),
    async $findUserByUsername(key) {
      const [user] = await findByUsername([key]);
      return user ?? null;
    },
    $findServiceClient: shared(async (clientIds) => {
      const found = await findByClientIds([[...new Set(clientIds)]]);
      return clientIds.map((clientId) => found.find((client) => client.clientId === clientId) ?? null);
    }),
    async $findTokenIds(userId, purpose) {
      const tokens = await findByPurpose([userId, purpose]);
      return tokens.map(({ id }) => id);
    },
    $findRateLimits: (keys) => findByKeys([keys]),
  };
}

/** Finds one row per key and call, and combines the calls of one turn of the event loop. Caches nothing. */
function batched<Found>(findMany: (keys: string[]) => Promise<Found[]>): (key: string) => Promise<Found> {
  const options = {
    cache: false,
    maxBatchSize,
    batchScheduleFn: (batch: () => void) => process.nextTick(batch),
  };
  const loader = new DataLoader((keys: readonly string[]) => findMany([...keys]), options);
  return (key) => loader.load(key);
}

/** Reads a timestamp of PostgreSQL, which is in UTC without saying so. */
function toDate(time: string | number | bigint): Date {
  return new Date(`${time}Z`);
}
