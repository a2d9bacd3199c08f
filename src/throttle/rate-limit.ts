import DataLoader from 'dataloader';
import { RateLimiterPrisma, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database, Db } from '../database/database.ts';
import { run, toDate } from '../database/raw-sql.ts';
import { RateLimitedError } from '../errors.ts';
import { Prisma } from '../generated/sqlite/client.ts';

/** How often something may be done. */
export type RateLimit = {
  /** By what it is counted. It is stored as it is. */
  key: string;
  points: number;
  /** How long it counts from the first time, in milliseconds. Null for without end. */
  durationMs: number | null;
};

type Row = { key: string; points: number; expiresAt: Date | null };

/** Counts what is asked for in one turn of the event loop by one statement. */
type Counter = DataLoader<Row, Row>;

/**
 * Adds to rows, and begins those that have expired anew: one statement, so that whoever counts at once, on whichever
 * server, counts right. They are locked in the order in which they are given.
 */
function createCounter(db: Db, now: Date): Counter {
  return new DataLoader<Row, Row>(
    async (added) => {
      const values = added.map(({ key, points, expiresAt }) => Prisma.sql`(${key}, ${points}, ${expiresAt})`);
      const rows = await run(
        db,
        Prisma.sql`INSERT INTO "RateLimit" AS r ("key", "points", "expiresAt") VALUES ${Prisma.join(values)}
        ON CONFLICT ("key") DO UPDATE SET
          "points" = CASE WHEN r."expiresAt" <= ${now} THEN excluded."points" ELSE r."points" + excluded."points" END,
          "expiresAt" = CASE WHEN r."expiresAt" <= ${now} THEN excluded."expiresAt" ELSE r."expiresAt" END
        RETURNING "key", "points", "expiresAt"`,
      );
      const counted = new Map(rows.map((row) => [row[0], toRow(row)]));
      return added.map(({ key }) => counted.get(key) ?? new Error(`${key} was not counted.`));
    },
    { cache: false },
  );
}

function toRow([key, points, expiresAt]: unknown[]): Row {
  return { key: String(key), points: Number(points), expiresAt: expiresAt === null ? null : toDate(expiresAt) };
}

/**
 * The store of rate-limiter-flexible in the table RateLimit. Its own for Prisma takes three statements for what has to
 * be one, and goes by the clock of the machine.
 */
class RateLimitStore extends RateLimiterPrisma {
  readonly #counter: Counter;
  readonly #now: Date;

  constructor(counter: Counter, { points, durationMs }: RateLimit, now: Date) {
    const duration = (durationMs ?? 0) / 1_000;
    super({ storeClient: counter, points, duration, keyPrefix: '', clearExpiredByTimeout: false });
    this.#counter = counter;
    this.#now = now;
  }

  _upsert(key: string, points: number, durationMs: number): Promise<Row> {
    const expiresAt = durationMs > 0 ? new Date(this.#now.getTime() + durationMs) : null;
    return this.#counter.load({ key, points, expiresAt });
  }

  _getRateLimiterRes(_key: string, _added: number, { points, expiresAt }: Row): RateLimiterRes {
    const ms = expiresAt === null ? -1 : Math.max(expiresAt.getTime() - this.#now.getTime(), 0);
    return new RateLimiterRes(Math.max(this.points - points, 0), ms, points);
  }
}

/**
 * Counts once more for each of these limits, by one statement, and returns how often that makes.
 *
 * @throws RateLimitedError if it is too often. In a transaction that is rolled back then, it was not counted.
 */
export async function countOnce(db: Db, limits: RateLimit[], now: Date): Promise<number[]> {
  const counter = createCounter(db, now);
  try {
    const results = await Promise.all(
      limits.map((limit) => new RateLimitStore(counter, limit, now).consume(limit.key)),
    );
    return results.map(({ consumedPoints }) => consumedPoints);
  } catch (error) {
    throw error instanceof RateLimiterRes ? tooOften(error.msBeforeNext) : error;
  }
}

/**
 * Takes back what was counted once for each of these limits. An insert locks the rows in the order of the limits, as
 * counting does, where an update would lock them in any: with a row that many share, such as a network's, two of these
 * would wait for each other. It inserts none but for rows that are gone, which have expired.
 */
export async function uncount(db: Db, limits: RateLimit[]): Promise<void> {
  if (limits.length === 0) return;
  const values = limits.map(({ key }) => Prisma.sql`(${key}, 0, ${new Date(0)})`);
  await run(
    db,
    Prisma.sql`INSERT INTO "RateLimit" AS r ("key", "points", "expiresAt") VALUES ${Prisma.join(values)}
      ON CONFLICT ("key") DO UPDATE SET "points" = r."points" - 1 WHERE r."points" > 0`,
  );
}

/**
 * Looks whether something may be done once more, by one read, so that whoever goes on trying costs no more than that.
 * The answer is the one of now: what must be exact is counted.
 *
 * @throws RateLimitedError if one of the limits is reached; it tells of that one which lasts longest.
 */
export async function requireNotReached(database: Database, limits: RateLimit[], now: Date): Promise<void> {
  const rows = await database.$findRateLimits(limits.map(({ key }) => key));
  const waits = rows
    .filter(({ key, points }) => limits.some((limit) => limit.key === key && points >= limit.points))
    .map(({ expiresAt }) => (expiresAt === null ? longestWaitMs : expiresAt.getTime() - now.getTime()))
    .filter((waitMs) => waitMs > 0);
  if (waits.length > 0) throw tooOften(Math.max(...waits));
}

/** What whoever has come to the end of what counts without end is told to wait. */
const longestWaitMs = 3_600_000;

function tooOften(waitMs: number): RateLimitedError {
  return new RateLimitedError(Math.max(1, Math.ceil((waitMs < 0 ? longestWaitMs : waitMs) / 1_000)));
}
