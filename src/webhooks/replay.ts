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

/** Sends again all dead deliveries of a webhook that were given up since a time. Returns their number. */
export function replayDead(
  database: Database,
  scope: Scope,
  { webhookId, since }: { webhookId: bigint; since: Date },
): Promise<number> {
  return inTransaction(database, async (db) => {
    const webhook = await lockWebhook(db, webhookId);
    const where = { webhookId, state: 'DEAD', finishedAt: { gte: new Date(Math.max(0, since.getTime())) } };
    const { count } = await db.webhookDelivery.updateMany({ where, data: anew(scope.now) });
    if (count > 0) await record(db, scope, 'WEBHOOK_REPLAYED', webhook);
    return count;
  });
}
