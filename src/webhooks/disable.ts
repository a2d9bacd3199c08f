import type { Database } from '../database/database.ts';
import { settledId } from '../database/ids.ts';
import { inTransaction } from '../database/transaction.ts';
import { enqueueMail } from '../mail/outbox.ts';
import { commandScope, type Scope } from '../scope.ts';
import { record } from './manage.ts';
import { type DisabledReason, detailOf, lockWebhook, type Webhook } from './webhook.ts';

/** Disables a webhook: it receives nothing until it is enabled, but its events wait. @throws WebhookNotFoundError */
export function disableWebhook(database: Database, scope: Scope, id: bigint): Promise<Webhook> {
  return inTransaction(database, async (db) => {
    const before = await lockWebhook(db, id);
    if (before.disabledAt !== null) return before;
    const data = { disabledAt: scope.now, disabledReason: 'ADMINISTRATOR' satisfies DisabledReason };
    const webhook = await db.webhook.update({ where: { id }, data });
    await record(db, scope, 'WEBHOOK_DISABLED', webhook);
    return webhook;
  });
}

/**
 * Enables a disabled webhook. It receives the events since it was disabled.
 *
 * @param input.skipMissed - it does not receive them, and its waiting deliveries are dead
 * @throws WebhookNotFoundError
 */
export async function enableWebhook(
  database: Database,
  scope: Scope,
  { id, skipMissed = false }: { id: bigint; skipMissed?: boolean | null | undefined },
): Promise<Webhook> {
  const newest = skipMissed ? await settledId(database, 'AuditEvent') : null;
  return inTransaction(database, async (db) => {
    const before = await lockWebhook(db, id);
    if (before.disabledAt === null) return before;
    if (newest !== null) {
      const data = { state: 'DEAD', finishedAt: scope.now };
      await db.webhookDelivery.updateMany({ where: { webhookId: id, state: 'WAITING' }, data });
    }
    const data = { disabledAt: null, disabledReason: null, failingSince: null };
    const webhook = await db.webhook.update({
      where: { id },
      data: { ...data, ...(newest === null ? {} : { lastEventId: newest }) },
    });
    await record(db, scope, 'WEBHOOK_ENABLED', webhook);
    return webhook;
  });
}

/**
 * Disables a webhook because of its receiver, and tells all administrators by mail. Returns whether it did: not if it
 * was disabled or deleted before.
 */
export function disableForReceiver(
  database: Database,
  { id, url }: Webhook,
  reason: Exclude<DisabledReason, 'ADMINISTRATOR'>,
  { adminRoles, now }: { adminRoles: readonly string[]; now: Date },
): Promise<boolean> {
  return inTransaction(database, async (db) => {
    const data = { disabledAt: now, disabledReason: reason };
    const [webhook] = await db.webhook.updateManyAndReturn({ where: { id, url, disabledAt: null }, data });
    if (!webhook) return false;
    await record(db, commandScope(now), 'WEBHOOK_DISABLED', webhook);
    const administrators = { role: { in: [...adminRoles] }, suspendedAt: null };
    for (const { id: userId, email } of await db.user.findMany({ where: administrators })) {
      const mailData = { webhook: detailOf(webhook), reason: mailReasons[reason] };
      await enqueueMail(db, { name: 'webhook-disabled', recipient: email, userId, data: mailData }, now);
    }
    return true;
  });
}

const mailReasons = {
  GONE: 'Its receiver answered that it is gone for good (status 410).',
  FAILING: 'Every attempt to send it an event has failed for five days.',
};
