/** Makes the deliveries of events: reads the log after the last event of each webhook, which is the outbox. */
import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { OperatorNotice } from '../../errors.ts';
import { readEvents } from '../../events/log.ts';
import type { AuditEvent, Webhook } from '../../generated/sqlite/client.ts';
import { formatOf, type ToGlobalId } from '../formats.ts';
import { messageIdOf, nameOf, wantsEvent } from '../webhook.ts';
import { haveManyUsers } from './turns.ts';

/** The number of events that are read at once. */
const batchSize = 500;

/**
 * The maximum number of waiting deliveries of a webhook that fails. Further events stay in the log alone until one is
 * delivered, so a receiver that is down for days fills no table.
 */
const defaultMaxWaiting = 10_000;

/** The share of `maxWaiting` up to which the deliveries of one user count: one user alone holds up no others. */
const shareOfUser = 1 / 100;

export type FanOutOptions = {
  database: Database;
  toGlobalId: ToGlobalId;
  policies: Pick<Config, 'publicUrl'>;
  report: (error: unknown) => void;
  now: () => Date;
  /** The maximum number of waiting deliveries of a webhook that fails. */
  maxWaiting?: number;
};

/**
 * Makes the deliveries of the next events for each of these webhooks. Returns the ids of those that got a delivery or
 * have further events to read.
 */
export async function fanOut(webhooks: readonly Webhook[], options: FanOutOptions): Promise<Set<bigint>> {
  const { maxWaiting = defaultMaxWaiting } = options;
  // Most webhooks have read as far as the others.
  const reads = new Map<bigint, Promise<AuditEvent[]>>();
  const changed = new Set<bigint>();
  for (const webhook of webhooks) {
    const after = webhook.lastEventId;
    const reading = reads.get(after) ?? readEvents(options.database, after, batchSize);
    reads.set(after, reading);
    const events = await reading;
    if (events.length === 0) continue;
    if (webhook.failingSince !== null && (await isFull(options.database, webhook, maxWaiting))) continue;
    await reportGap(webhook, events, options);
    const count = await addDeliveries(webhook, events, options);
    if (count > 0 || events.length === batchSize) changed.add(webhook.id);
  }
  return changed;
}

async function isFull(database: Database, { id }: Webhook, maxWaiting: number): Promise<boolean> {
  const where = { webhookId: id, state: 'WAITING' };
  const count = await database.webhookDelivery.count({ where, take: maxWaiting });
  return count >= maxWaiting && haveManyUsers(database, id, Math.ceil(maxWaiting * shareOfUser));
}

/** Adds the deliveries of events that a webhook wants, and moves its position in the log, both or none. */
async function addDeliveries(webhook: Webhook, events: AuditEvent[], options: FanOutOptions): Promise<number> {
  const { database, toGlobalId, policies, now } = options;
  const naming = { webhook, toGlobalId, issuer: policies.publicUrl.origin };
  const { id: webhookId, lastEventId } = webhook;
  const last = events.at(-1)?.id ?? lastEventId;
  const queuedAt = now();
  const deliveries = events.flatMap((event) => {
    const payload = wantsEvent(webhook, event) ? formatOf(webhook)?.payloadOf(event, naming) : null;
    if (payload == null) return [];
    const { id: eventId, type: eventType, userId } = event;
    const messageId = messageIdOf(webhook, event);
    return [{ webhookId, eventId, eventType, messageId, userId, payload, queuedAt, sendAfter: queuedAt }];
  });
  return inTransaction(database, async (db) => {
    const where = { id: webhookId, lastEventId, disabledAt: null };
    // Another server may have read these events, or an administrator disabled the webhook.
    const { count } = await db.webhook.updateMany({ where, data: { lastEventId: last } });
    if (count === 0 || deliveries.length === 0) return 0;
    await db.webhookDelivery.createMany({ data: deliveries });
    return deliveries.length;
  });
}

/**
 * Reports events that were deleted before a webhook could read them: it was disabled for longer than AUDIT_RETENTION,
 * or its receiver was down for as long. The ids of an intact log have gaps too, but then older events are still there.
 */
async function reportGap(webhook: Webhook, [first]: AuditEvent[], { database, report }: FanOutOptions): Promise<void> {
  if (!first || first.id === webhook.lastEventId + 1n) return;
  const oldest = await database.auditEvent.findFirst({ orderBy: { id: 'asc' }, select: { id: true } });
  if (oldest?.id !== first.id) return;
  const message =
    `${nameOf(webhook)} continues with an event of ${first.at.toISOString()}. Older ones that it has not received may ` +
    'have been deleted: AUDIT_RETENTION is shorter than the time for which it was disabled or not reached.';
  report(new OperatorNotice('warning', message));
}
