import type { Repeated } from '../background.ts';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { isUnavailable } from '../database/failures.ts';
import { repeatUnderLease } from '../database/lease.ts';
import { isSqlite, type RawTransaction, run, toId } from '../database/raw-sql.ts';
import { inRawTransaction } from '../database/transaction.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { commandScope } from '../scope.ts';
import { endSessions } from '../sessions/end.ts';
import { type RevocationFilter, whereMatches } from '../sessions/revocations/filter.ts';
import { type Revocation, unfinished } from '../sessions/revocations/revocation.ts';
import { whereLiveSql } from '../sessions/session.ts';
import { inBatches, type ShouldContinue } from './prune.ts';

const intervalMs = 1_000;

/**
 * The time for which a batch may take on PostgreSQL, in milliseconds. It blocks no other request there, only those that
 * use the sessions which it ends. On SQLite it blocks all, so that the default is shorter.
 */
const postgresqlBatchMs = 50;

type WorkerOptions = { database: Database; clock: Clock; report: (error: unknown) => void };

/** Works on the revocations that administrators request, in the background: one after the other, by one server. */
export function startRevocations({ database, clock, report }: WorkerOptions): Repeated {
  const leased = {
    name: 'revocations',
    pauseMs: intervalMs,
    hasWork: async () => (await findNext(database)) !== null,
    work: (mayContinue: ShouldContinue) => workOnRevocations({ database, clock, report }, mayContinue),
  };
  return repeatUnderLease(database, clock, leased, report);
}

/** Works on all requested revocations, for as long as `mayContinue` allows. */
export async function workOnRevocations(options: WorkerOptions, mayContinue: ShouldContinue): Promise<void> {
  const { database, clock, report } = options;
  for (let next = await findNext(database); next && (await mayContinue()); next = await findNext(database)) {
    try {
      await workOn(next, options, mayContinue);
    } catch (error) {
      // The work continues when the database answers again.
      if (isUnavailable(error)) throw error;
      report(error);
      const failure = 'The server failed. The log of the server has the reason.';
      await finish(database, next.id, { state: 'FAILED', error: failure, finishedAt: clock.now() });
    }
  }
}

function findNext(database: Database): Promise<Revocation | null> {
  return database.revocation.findFirst({ where: { state: { in: [...unfinished] } }, orderBy: { id: 'asc' } });
}

type Finish = { state: 'DONE' | 'FAILED'; finishedAt: Date; error?: string };

async function finish(database: Database, id: bigint, data: Finish): Promise<void> {
  await database.revocation.updateMany({ where: { id, state: { in: [...unfinished] } }, data });
}

/**
 * Ends the sessions of a revocation, range by range, in the order of their ids. Each transaction ends the sessions of a
 * range, with their events, and notes how far it came. So after a crash, the next server continues there.
 */
async function workOn(
  { cursor, upToId, ...revocation }: Revocation,
  { database, clock }: WorkerOptions,
  mayContinue: ShouldContinue,
): Promise<void> {
  let after = cursor;
  let isOver = false;
  const batch = async (limit: number) => {
    const ids = await run(
      database,
      Prisma.sql`SELECT s."id" FROM "Session" s WHERE s."id" > ${after} AND s."id" <= ${upToId}
        ORDER BY s."id" LIMIT ${limit}`,
    );
    const last = ids.at(-1);
    isOver = last === undefined;
    if (last === undefined) return { count: 0, isLast: true };
    const range = { after, upTo: toId(last[0]), examined: ids.length };
    const matched = await workOnRange(database, revocation, range, clock.now());
    after = range.upTo;
    return { count: matched ?? 0, isLast: matched === null };
  };
  await inBatches(mayContinue, batch, isSqlite(database) ? undefined : postgresqlBatchMs);
  if (isOver) await finish(database, revocation.id, { state: 'DONE', finishedAt: clock.now() });
}

type WorkRange = { after: bigint; upTo: bigint; examined: number };

/**
 * Ends the sessions of a range, or counts them. Returns their number. Null if the revocation was cancelled, or if
 * another server has taken it over: then nothing is changed.
 */
async function workOnRange(
  database: Database,
  revocation: Omit<Revocation, 'cursor' | 'upToId'>,
  range: WorkRange,
  now: Date,
): Promise<number | null> {
  const { id, createdAt, keptSessionId, isDryRun, requestedById } = revocation;
  const filter: RevocationFilter = JSON.parse(revocation.filter);
  const matches = await whereMatches(database, range, filter, now);
  const isOther = keptSessionId === null ? Prisma.empty : Prisma.sql`AND s."id" <> ${keptSessionId}`;
  const where = matches && Prisma.sql`${matches} AND s."createdAt" <= ${createdAt} ${isOther}`;
  return inRawTransaction(database, async (db) => {
    // Locks the row, so that a cancellation is either before or after the whole range.
    const isMine = await note(db, id, range);
    if (!isMine) return null;
    if (where === null) return 0;
    const scope = { ...commandScope(now), actorId: requestedById };
    const matched = isDryRun
      ? await count(db, where, now)
      : (await endSessions(db, scope, { sql: where, isFixed: false }, 'REVOKED_BY_ADMIN')).length;
    await run(db, Prisma.sql`UPDATE "Revocation" SET "matched" = "matched" + ${matched} WHERE "id" = ${id}`);
    return matched;
  });
}

/** Notes that a range was examined. Returns whether the revocation goes on, and its work has come to this range. */
async function note(db: RawTransaction, id: bigint, { after, upTo, examined }: WorkRange): Promise<boolean> {
  const noted = await run(
    db,
    Prisma.sql`UPDATE "Revocation" SET "state" = 'RUNNING', "cursor" = ${upTo}, "examined" = "examined" + ${examined}
      WHERE "id" = ${id} AND "cursor" = ${after} AND "state" IN (${Prisma.join([...unfinished])}) RETURNING "id"`,
  );
  return noted.length > 0;
}

async function count(db: RawTransaction, where: Prisma.Sql, now: Date): Promise<number> {
  const [[matched] = []] = await run(
    db,
    Prisma.sql`SELECT count(*) FROM "Session" s WHERE ${where} AND ${whereLiveSql(now)}`,
  );
  return Number(matched);
}
