import type { Database, Db } from '../database/database.ts';
import { run, toDate } from '../database/raw-sql.ts';
import { reachedLimits } from '../diagnostics.ts';
import { RateLimitedError } from '../errors.ts';
import { Prisma } from '../generated/sqlite/client.ts';

/** A limit on the number of acts in a time. */
export type RateLimit = {
  /** The key of the count: the name of the limit, a colon, and whom it counts. It is stored as it is. */
  key: string;
  points: number;
  /** The lifetime of the count from the first act on, in milliseconds. Null for a count without end. */
  durationMs: number | null;
};

/**
 * Counts once for each of these limits, and returns the new counts. Adds to rows and restarts expired ones, by one
 * statement, so that requests on several servers at once count right. Locks the rows in the order of the limits.
 *
 * @throws RateLimitedError if a limit is exceeded, with the longest wait. In a transaction that is rolled back then,
 *   the count is undone.
 */
export async function countOnce(db: Db, limits: RateLimit[], now: Date): Promise<number[]> {
  if (limits.length === 0) return [];
  const values = limits.map(({ key, durationMs }) => {
    const expiresAt = durationMs === null ? null : new Date(now.getTime() + durationMs);
    return Prisma.sql`(${key}, ${1}, ${expiresAt})`;
  });
  const rows = await run(
    db,
    Prisma.sql`INSERT INTO "RateLimit" AS r ("key", "points", "expiresAt") VALUES ${Prisma.join(values)}
      ON CONFLICT ("key") DO UPDATE SET
        "points" = CASE WHEN r."expiresAt" <= ${now} THEN excluded."points" ELSE r."points" + excluded."points" END,
        "expiresAt" = CASE WHEN r."expiresAt" <= ${now} THEN excluded."expiresAt" ELSE r."expiresAt" END
      RETURNING "key", "points", "expiresAt"`,
    { isPrepared: true },
  );
  const counted = new Map(
    rows.map(([key, points, expiresAt]) => [
      String(key),
      { points: Number(points), expiresAt: expiresAt === null ? null : toDate(expiresAt) },
    ]),
  );
  const results = limits.map(({ key, points: most }) => {
    const row = counted.get(key);
    if (!row) throw new Error(`${key} was not counted.`);
    return { key, points: row.points, isTooOften: row.points > most, waitMs: waitUntil(row.expiresAt, now) };
  });
  refuseIfAny(results.filter(({ isTooOften }) => isTooOften));
  return results.map(({ points }) => points);
}

/**
 * Uncounts once for each of these limits. An insert locks the rows in the order of the limits, as counting does. An
 * update would lock them in any order, so that two requests that share a row, such as a network's, could deadlock. The
 * insert adds rows only for those that are gone, and those have expired.
 */
export async function uncount(db: Db, limits: RateLimit[]): Promise<void> {
  if (limits.length === 0) return;
  const values = limits.map(({ key }) => Prisma.sql`(${key}, 0, ${new Date(0)})`);
  await run(
    db,
    Prisma.sql`INSERT INTO "RateLimit" AS r ("key", "points", "expiresAt") VALUES ${Prisma.join(values)}
      ON CONFLICT ("key") DO UPDATE SET "points" = r."points" - 1 WHERE r."points" > 0`,
    { isPrepared: true },
  );
}

/** The counts that were read, by their keys. Zero for a count that does not exist, or has expired. */
export type Counts = (key: string | undefined) => number;

/**
 * Requires that none of the limits is reached, by one read, so that repeated refusals cost no more than that. The
 * answer may be outdated at once; only counting is exact. Returns the counts, and those of the other keys.
 *
 * @throws RateLimitedError if a limit is reached, with the longest wait.
 */
export async function requireNotReached(
  database: Database,
  limits: RateLimit[],
  now: Date,
  otherKeys: string[] = [],
): Promise<Counts> {
  const rows = await database.$findRateLimits([...limits.map(({ key }) => key), ...otherKeys]);
  const live = rows
    .map(({ key, points, expiresAt }) => ({ key, points, waitMs: waitUntil(expiresAt, now) }))
    .filter(({ waitMs }) => waitMs > 0);
  refuseIfAny(live.filter(({ key, points }) => limits.some((limit) => limit.key === key && points >= limit.points)));
  return (key) => live.find((count) => count.key === key)?.points ?? 0;
}

/** The wait that a refusal names for a count without end. */
const maxWaitMs = 3_600_000;

/** Returns the remaining lifetime of a count, in milliseconds. Null is a count without end. */
function waitUntil(expiresAt: Date | null, now: Date): number {
  return expiresAt === null ? maxWaitMs : expiresAt.getTime() - now.getTime();
}

/** @throws RateLimitedError with the longest wait, if any limit is reached */
function refuseIfAny(reached: { key: string; waitMs: number }[]): void {
  const [longest] = reached.toSorted((one, other) => other.waitMs - one.waitMs);
  if (!longest) return;
  const [limit = ''] = longest.key.split(':', 1);
  reachedLimits.publish({ limit });
  throw new RateLimitedError(Math.max(1, Math.ceil(longest.waitMs / 1_000)));
}
