/** The deliveries that wait: which of them is next, and how attempts end. */
import type { Database, Db } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import type { WebhookDelivery } from '../../generated/sqlite/client.ts';
import type { Outcome } from '../http/send.ts';
import { nextAttemptAt } from './retries.ts';
import { findNext, type Turn } from './turns.ts';

/** The time after which a delivery whose attempt has no result is tried again: its server died, or lost the lease. */
const claimMs = 60_000;

/** Returns deliveries of a webhook that are due, in the order of the turns: see `findNext`. */
export async function findDue(database: Database, webhookId: bigint, turn: Turn, now: Date) {
  const ids = await findNext(database, webhookId, turn, now);
  // Another server may have claimed some since.
  const found = await database.webhookDelivery.findMany({ where: { id: { in: ids }, ...whereDue(now) } });
  return found.sort((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
}

function whereDue(now: Date) {
  return { state: 'WAITING', sendAfter: { lte: now } };
}

/**
 * Claims a delivery for one attempt, and counts the attempt before it is made. Returns false if another server has it.
 */
export async function claim(db: Db, { id, attempts }: WebhookDelivery, now: Date): Promise<boolean> {
  const sendAfter = new Date(now.getTime() + claimMs);
  const { count } = await db.webhookDelivery.updateMany({
    where: { id, attempts, ...whereDue(now) },
    data: { attempts: attempts + 1, lastAttemptAt: now, sendAfter },
  });
  return count > 0;
}

/** Selects a claimed delivery, unless another server claimed it since, or an administrator replayed it. */
function whereClaimed({ id, attempts }: WebhookDelivery) {
  return { id, attempts: attempts + 1, state: 'WAITING' };
}

/** Notes that the receiver accepted a claimed delivery. */
export async function noteDelivered(db: Db, delivery: WebhookDelivery, status: number, now: Date): Promise<void> {
  await db.webhookDelivery.updateMany({
    where: whereClaimed(delivery),
    data: { state: 'DELIVERED', lastStatus: status, lastError: null, finishedAt: now },
  });
  await db.webhook.updateMany({
    where: { id: delivery.webhookId, failingSince: { not: null } },
    data: { failingSince: null },
  });
}

/**
 * Notes the failed attempt of a claimed delivery: it waits for the next one, with those of the same user behind it, or
 * is dead. Returns whether it is dead.
 */
export async function noteFailed(
  database: Database,
  delivery: WebhookDelivery,
  { status, error, retryAfterMs, isFinal }: Outcome,
  now: Date,
): Promise<boolean> {
  const { webhookId, queuedAt } = delivery;
  const next = isFinal ? null : nextAttemptAt({ attempts: delivery.attempts + 1, queuedAt }, retryAfterMs, now);
  const result = { lastStatus: status, lastError: error ?? `HTTP_${status}` };
  await inTransaction(database, async (db) => {
    const data = next === null ? { ...result, state: 'DEAD', finishedAt: now } : { ...result, sendAfter: next };
    await db.webhookDelivery.updateMany({ where: whereClaimed(delivery), data });
    await db.webhook.updateMany({ where: { id: webhookId, failingSince: null }, data: { failingSince: now } });
  });
  return next === null;
}

/**
 * A delivery with more attempts keeps its schedule while its receiver accepts others: the message itself may be what
 * breaks it.
 */
const maxHurriedAttempts = 3;

/**
 * Makes waiting deliveries due, because their receiver is back: all if it was down, else those that got no answer. Not
 * those that are being sent.
 */
export async function hurry(
  db: Db,
  webhookId: bigint,
  { inFlight, wasDown }: { inFlight: bigint[]; wasDown: boolean },
  now: Date,
): Promise<void> {
  const unanswered = { lastStatus: null, lastError: { not: null }, attempts: { lte: maxHurriedAttempts } };
  const where = { webhookId, state: 'WAITING', sendAfter: { gt: now }, id: { notIn: inFlight } };
  await db.webhookDelivery.updateMany({
    where: { ...where, ...(wasDown ? {} : unanswered) },
    data: { sendAfter: now },
  });
}
