import { RateLimiterPrisma, RateLimiterRes } from 'rate-limiter-flexible';
import type { Db } from '../database/database.ts';
import { RateLimitedError } from '../errors.ts';

/** How often something may be done. */
export type RateLimit = {
  /** By what it is counted. It is stored as it is. */
  key: string;
  points: number;
  /** How long it counts from the first time, in milliseconds. Null for without end. */
  durationMs: number | null;
};

type Row = { key: string; points: number; expiresAt: Date | number | null };

/**
 * The store of rate-limiter-flexible in the table RateLimit. Its own for Prisma takes three statements for what has to
 * be one, so that servers which count at once count right, and goes by the clock of the machine.
 */
class RateLimitStore extends RateLimiterPrisma {
  readonly #db: Db;
  readonly #now: Date;

  constructor(db: Db, { points, durationMs }: RateLimit, now: Date) {
    const duration = (durationMs ?? 0) / 1_000;
    super({ storeClient: db, points, duration, keyPrefix: '', clearExpiredByTimeout: false });
    this.#db = db;
    this.#now = now;
  }

  async _upsert(key: string, points: number, durationMs: number): Promise<Row | undefined> {
    const now = this.#now;
    const expiresAt = durationMs > 0 ? new Date(now.getTime() + durationMs) : null;
    const [row] = await this.#db.$queryRaw<Row[]>`
      INSERT INTO "RateLimit" AS r ("key", "points", "expiresAt") VALUES (${key}, ${points}, ${expiresAt})
      ON CONFLICT ("key") DO UPDATE SET
        "points" = CASE WHEN r."expiresAt" <= ${now} THEN excluded."points" ELSE r."points" + excluded."points" END,
        "expiresAt" = CASE WHEN r."expiresAt" <= ${now} THEN excluded."expiresAt" ELSE r."expiresAt" END
      RETURNING "key", "points", "expiresAt"`;
    return row;
  }

  _getRateLimiterRes(_key: string, _changedPoints: number, { points, expiresAt }: Row): RateLimiterRes {
    // A raw query on SQLite gives the time as it is stored, in milliseconds.
    const ms = expiresAt === null ? -1 : Math.max(Number(expiresAt) - this.#now.getTime(), 0);
    return new RateLimiterRes(Math.max(this.points - Number(points), 0), ms, Number(points));
  }
}

/** How long whoever has come to the end of what counts without end is told to wait. */
const longestWaitMs = 3_600_000;

function tooOften(waitMs: number): RateLimitedError {
  return new RateLimitedError(Math.max(1, Math.ceil((waitMs < 0 ? longestWaitMs : waitMs) / 1_000)));
}

/**
 * Counts once more, and returns how often that makes. Exact, however many do it at once, on however many servers.
 *
 * @throws RateLimitedError if it is too often. In a transaction that is rolled back then, it was not counted.
 */
export async function countOnce(db: Db, limit: RateLimit, now: Date): Promise<number> {
  try {
    const { consumedPoints } = await new RateLimitStore(db, limit, now).consume(limit.key);
    return consumedPoints;
  } catch (error) {
    throw error instanceof RateLimiterRes ? tooOften(error.msBeforeNext) : error;
  }
}

/**
 * Looks whether something may be done once more, by one read, so that whoever goes on trying costs no more than that.
 * The answer is the one of now: what must be exact is counted.
 *
 * @throws RateLimitedError if one of the limits is reached, that one which lasts longest.
 */
export async function requireNotReached(db: Db, limits: RateLimit[], now: Date): Promise<void> {
  const rows = await db.rateLimit.findMany({ where: { key: { in: limits.map(({ key }) => key) } } });
  const waits = rows
    .filter(({ key, points }) => limits.some((limit) => limit.key === key && points >= limit.points))
    .map(({ expiresAt }) => (expiresAt === null ? longestWaitMs : expiresAt.getTime() - now.getTime()))
    .filter((waitMs) => waitMs > 0);
  if (waits.length > 0) throw tooOften(Math.max(...waits));
}
