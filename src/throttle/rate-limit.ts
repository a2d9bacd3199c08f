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

/**
 * Counts once more for each of these limits, and returns how often that makes. Adds to rows, and begins those that have
 * expired anew, by one statement, so that whoever counts at once, on whichever server, counts right. Rows are locked in
 * the order of the limits.
 *
 * @throws RateLimitedError if it is too often; it tells of that limit which lasts longest. In a transaction that is
 *   rolled back then, it was not counted.
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
    return { points: row.points, isTooOften: row.points > most, waitMs: waitUntil(row.expiresAt, now) };
  });
  const waits = results.filter(({ isTooOften }) => isTooOften).map(({ waitMs }) => waitMs);
  if (waits.length > 0) throw tooOften(Math.max(...waits));
  return results.map(({ points }) => points);
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
    .map(({ expiresAt }) => waitUntil(expiresAt, now))
    .filter((waitMs) => waitMs > 0);
  if (waits.length > 0) throw tooOften(Math.max(...waits));
}

/** What whoever has come to the end of what counts without end is told to wait. */
const maxWaitMs = 3_600_000;

/** Returns how long a count goes on, in milliseconds. Null is a count without end. */
function waitUntil(expiresAt: Date | null, now: Date): number {
  return expiresAt === null ? maxWaitMs : expiresAt.getTime() - now.getTime();
}

function tooOften(waitMs: number): RateLimitedError {
  return new RateLimitedError(Math.max(1, Math.ceil(waitMs / 1_000)));
}
