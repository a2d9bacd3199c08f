import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { WebhookDeliveryNotFoundError } from '../errors.ts';
import type { WebhookDelivery } from '../generated/sqlite/client.ts';
import type { Scope } from '../scope.ts';
import { record } from './manage.ts';
import { lockWebhook } from './webhook.ts';

/** The columns of a delivery that begins anew. The message stays the same, with its id. */
function anew(now: Date) {
  return { state: 'WAITING', queuedAt: now, sendAfter: now, attempts: 0, finishedAt: null };
}

/**
 * Sends a delivery again, also one that was delivered. Its message keeps its id. @throws WebhookDeliveryNotFoundError
 */
export function replayDelivery(
  database: Database,
  scope: Scope,
  where: { id: bigint; webhookId?: bigint },
): Promise<WebhookDelivery> {
  return inTransaction(database, async (db) => {
    const [delivery] = await db.webhookDelivery.updateManyAndReturn({ where, data: anew(scope.now) });
    if (!delivery) throw new WebhookDeliveryNotFoundError();
    await record(db, scope, 'WEBHOOK_REPLAYED', await lockWebhook(db, delivery.webhookId));
    return delivery;
  });
}

/** The number of deliveries that one transaction changes, so that requests wait only shortly for it. */
const maxAtOnce = 1_000;

/** The maximum number of deliveries that one replay sends again: as many as wait for a receiver that is down. */
export const maxReplayed = 10_000;

export type DeadDeliveries = {
  webhookId: bigint;
  /** The earliest time at which they were given up. */
  since: Date;
  /** The maximum number of deliveries to send again. `maxReplayed` by default. */
  max?: number;
};

/**
 * Sends again the dead deliveries of a webhook that were given up since a time, up to a maximum. Returns their number.
 * After a failure, some are sent again, and a second call continues.
 *
 * @throws WebhookNotFoundError
 */
export async function replayDead(
  database: Database,
  scope: Scope,
  { max = maxReplayed, ...dead }: DeadDeliveries,
): Promise<number> {
  let count = 0;
  for (;;) {
    const limit = Math.min(maxAtOnce, max - count);
    const replayed = await replaySome(database, scope, dead, { limit, isFirst: count === 0 });
    count += replayed;
    if (replayed < limit || count === max) return count;
  }
}

/** Sends some of them again, and records one event for all. */
function replaySome(
  database: Database,
  scope: Scope,
  { webhookId, since }: DeadDeliveries,
  { limit, isFirst }: { limit: number; isFirst: boolean },
): Promise<number> {
  return inTransaction(database, async (db) => {
    const webhook = await lockWebhook(db, webhookId);
    const where = { webhookId, state: 'DEAD', finishedAt: { gte: new Date(Math.max(0, since.getTime())) } };
    const { count } = await db.webhookDelivery.updateMany({ where, data: anew(scope.now), limit });
    if (isFirst && count > 0) await record(db, scope, 'WEBHOOK_REPLAYED', webhook);
    return count;
  });
}
