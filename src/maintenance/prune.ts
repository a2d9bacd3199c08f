import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { prunedRows } from '../diagnostics.ts';
import { commandScope } from '../scope.ts';
import { endSessions, sessionsWithIds } from '../sessions/end.ts';
import { expiryReasonOf } from '../sessions/expiry.ts';

/**
 * The time for which a batch may block the database. A request waits for the running batch only: after each batch there
 * is a pause of the same length.
 */
const batchMs = 3;
const batchSize = { first: 50, min: 50, max: 500 };

/** Is called after each batch, and returns whether another one may follow. */
export type ShouldContinue = () => boolean | Promise<boolean>;

const always: ShouldContinue = () => true;

/** Returns the number of sessions that `pruneSessions` would delete. */
export function countPrunable(db: Db, before: Date): Promise<number> {
  return db.session.count({ where: { expiresAt: { lt: before } } });
}

/**
 * Deletes the sessions that ended or expired before a time, and returns their number. `expiresAt` of an ended session
 * is the time of its end.
 */
export function pruneSessions(db: Db, before: Date, shouldContinue = always): Promise<number> {
  return inBatches(shouldContinue, async (limit) => {
    return deleted('Session', await db.session.deleteMany({ where: { expiresAt: { lt: before } }, limit }), limit);
  });
}

/** Deletes the address and the user agent of sessions that ended or expired before a time. Returns their number. */
export function deleteClientInfo(db: Db, before: Date, shouldContinue = always): Promise<number> {
  return alongExpiries(db, new Date(before.getTime() - 1), shouldContinue, async (expiresAt) => {
    const where = { expiresAt, OR: [{ ipAddress: { not: null } }, { userAgent: { not: null } }] };
    const { count } = await db.session.updateMany({ where, data: { ipAddress: null, userAgent: null } });
    return count;
  });
}

/**
 * Ends the sessions that have expired and that nothing has ended yet. This records the expiry and deletes their data.
 * Returns their number.
 */
export function endExpired(database: Database, now: Date, policy: SessionPolicy, shouldContinue = always) {
  const scope = commandScope(now);
  return alongExpiries(database, now, shouldContinue, async (expiresAt) => {
    const expired = await database.session.findMany({ where: { expiresAt, hashedSessionToken: { not: null } } });
    const reached = Map.groupBy(expired, (session) => expiryReasonOf(session, policy));
    if (expired.length === 0) return 0;
    return inTransaction(database, async (db) => {
      let count = 0;
      for (const [reason, sessions] of reached) {
        const ids = sessions.map(({ id }) => id);
        count += (await endSessions(db, scope, sessionsWithIds(ids), reason)).length;
      }
      return count;
    });
  });
}

type Range = { gt: Date; lte: Date };

/**
 * Runs `act` on the sessions that ended or expired up to a time, range by range, and returns the sum of its results.
 *
 * It walks the whole index of expiries, also where no work is left: each step reads one short range, for any number of
 * rows that earlier runs processed.
 */
function alongExpiries(
  db: Db,
  until: Date,
  shouldContinue: ShouldContinue,
  act: (expiresAt: Range) => Promise<number>,
): Promise<number> {
  let after = new Date(0);
  return inBatches(shouldContinue, async (limit) => {
    const [last] = await db.session.findMany({
      where: { expiresAt: { gt: after, lte: until } },
      orderBy: { expiresAt: 'asc' },
      skip: limit - 1,
      take: 1,
      select: { expiresAt: true },
    });
    const lte = last?.expiresAt ?? until;
    const count = await act({ gt: after, lte });
    after = lte;
    return { count, isLast: !last };
  });
}

/** Deletes the events before a time, and returns their number. */
export function pruneEvents(db: Db, before: Date, shouldContinue = always): Promise<number> {
  return inBatches(shouldContinue, async (limit) => {
    return deleted('AuditEvent', await db.auditEvent.deleteMany({ where: { at: { lt: before } }, limit }), limit);
  });
}

/**
 * Deletes what has expired at a time: tokens of users, challenges, changes that could be undone, former usernames, and
 * the counts of attempts and requests.
 */
export async function pruneExpired(db: Db, at: Date, shouldContinue = always): Promise<void> {
  const where = { expiresAt: { lte: at } };
  await inBatches(shouldContinue, async (limit) => {
    return deleted('UserToken', await db.userToken.deleteMany({ where, limit }), limit);
  });
  if (!(await shouldContinue())) return;
  await inBatches(shouldContinue, async (limit) => {
    return deleted('Challenge', await db.challenge.deleteMany({ where, limit }), limit);
  });
  if (!(await shouldContinue())) return;
  await inBatches(shouldContinue, async (limit) => {
    return deleted('AccountChange', await db.accountChange.deleteMany({ where, limit }), limit);
  });
  if (!(await shouldContinue())) return;
  await inBatches(shouldContinue, async (limit) => {
    return deleted('FormerUsername', await db.formerUsername.deleteMany({ where, limit }), limit);
  });
  if (!(await shouldContinue())) return;
  await inBatches(shouldContinue, async (limit) => {
    return deleted('RateLimit', await db.rateLimit.deleteMany({ where, limit }), limit);
  });
}

/** The retention of deliveries to webhooks, after their end: so long can they be replayed. */
const deliveryRetentionMs = { DELIVERED: 3 * 86_400_000, DEAD: 30 * 86_400_000 };

/** Deletes the deliveries to webhooks after their retention. */
export async function pruneDeliveries(db: Db, at: Date, shouldContinue = always): Promise<void> {
  for (const [state, retentionMs] of Object.entries(deliveryRetentionMs)) {
    const where = { state, finishedAt: { lt: new Date(at.getTime() - retentionMs) } };
    await inBatches(shouldContinue, async (limit) => {
      return deleted('WebhookDelivery', await db.webhookDelivery.deleteMany({ where, limit }), limit);
    });
    if (!(await shouldContinue())) return;
  }
}

/** Deletes the finished revocations from before a time. There are few. */
export async function pruneRevocations(db: Db, before: Date): Promise<void> {
  await db.revocation.deleteMany({ where: { createdAt: { lt: before }, finishedAt: { not: null } } });
}

type BatchResult = { count: number; isLast: boolean };

type Batch = (limit: number) => Promise<BatchResult>;

/** Tells how many rows a batch deleted, and returns its result. */
function deleted(table: string, { count }: { count: number }, limit: number): BatchResult {
  if (count > 0) prunedRows.publish({ table, count });
  return { count, isLast: count < limit };
}

/** Repeats a batch until the last one, and adapts its size to the time that a batch may take. Returns the sum. */
export async function inBatches(shouldContinue: ShouldContinue, batch: Batch, maxMs = batchMs): Promise<number> {
  let limit = batchSize.first;
  for (let sum = 0; ; ) {
    const began = performance.now();
    const { count, isLast } = await batch(limit);
    const tookMs = performance.now() - began;
    sum += count;
    if (isLast || !(await shouldContinue())) return sum;
    const fitting = Math.round(limit * Math.min(2, maxMs / tookMs));
    limit = Math.min(batchSize.max, Math.max(batchSize.min, fitting));
    await sleep(tookMs);
  }
}
