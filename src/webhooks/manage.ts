/** The acts of administrators on webhooks. Each is an audit event. */
import type { Database, Db } from '../database/database.ts';
import { settledId } from '../database/ids.ts';
import { inTransaction } from '../database/transaction.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { EncryptionKeysMissingError, ValidationError } from '../errors.ts';
import { type AuditEventType, recordEvent } from '../events/record.ts';
import type { Scope } from '../scope.ts';
import type { AddressPolicy } from './http/addresses.ts';
import { createWebhookSecret, currentSecretOf, encryptSecret } from './secrets.ts';
import {
  checkWebhook,
  type DisabledReason,
  detailOf,
  lockWebhook,
  type Webhook,
  type WebhookInput,
} from './webhook.ts';

export type WebhookPolicies = { encryptionKeys: EncryptionKeys | null; webhooks: AddressPolicy };

/** A webhook with a new secret, which the server shows once. */
export type IssuedWebhookSecret = { webhook: Webhook; secret: string };

/** Each has a queue of its own, and every event is matched with each. */
export const maxWebhooks = 50;

/** The time for which the secret before a rotation still signs, if the administrator names no other. */
export const defaultOverlapHours = 24;
const maxOverlapHours = 30 * 24;

/**
 * Creates a webhook, which receives the events from now on.
 *
 * @throws ValidationError for an unusable URL, an unknown type, and one webhook too many
 * @throws EncryptionKeysMissingError
 */
export async function createWebhook(
  database: Database,
  scope: Scope,
  input: WebhookInput,
  { encryptionKeys, webhooks }: WebhookPolicies,
): Promise<IssuedWebhookSecret> {
  const keys = requireKeys(encryptionKeys);
  const row = checkWebhook(input, webhooks);
  // Each event that is not visible yet has a higher id.
  const lastEventId = await settledId(database, 'AuditEvent');
  const secret = createWebhookSecret();
  return inTransaction(database, async (db) => {
    if ((await db.webhook.count()) >= maxWebhooks) {
      const message = `There are ${maxWebhooks} webhooks already. Delete one that is not needed.`;
      throw new ValidationError([{ path: ['url'], message }]);
    }
    const { id } = await db.webhook.create({
      data: { ...row, lastEventId, encryptedSecret: '', createdAt: scope.now },
    });
    // The place of a ciphertext includes the id of its row.
    const encryptedSecret = encryptSecret(keys, secret, id, 'encryptedSecret');
    const webhook = await db.webhook.update({ where: { id }, data: { encryptedSecret } });
    await record(db, scope, 'WEBHOOK_CREATED', webhook);
    return { webhook, secret };
  });
}

function requireKeys(keys: EncryptionKeys | null): EncryptionKeys {
  if (keys === null) throw new EncryptionKeysMissingError();
  return keys;
}

/** The new values of a webhook. Those that are undefined stay. */
export type WebhookChange = { [name in Exclude<keyof WebhookInput, 'format'>]?: WebhookInput[name] | undefined };

/** Changes a webhook. Waiting deliveries go to its new URL. @throws ValidationError, WebhookNotFoundError */
export function updateWebhook(
  database: Database,
  scope: Scope,
  { id, ...change }: WebhookChange & { id: bigint },
  { webhooks }: WebhookPolicies,
): Promise<Webhook> {
  return inTransaction(database, async (db) => {
    const before = await lockWebhook(db, id);
    const { url = before.url, description = before.description } = change;
    const eventTypes = change.eventTypes === undefined ? (before.eventTypes?.split(' ') ?? null) : change.eventTypes;
    const row = checkWebhook({ url, description, eventTypes, format: before.format }, webhooks);
    const webhook = await db.webhook.update({ where: { id }, data: { ...row, failingSince: null } });
    await record(db, scope, 'WEBHOOK_CHANGED', webhook);
    return webhook;
  });
}

/**
 * Gives a webhook another secret. For some hours, messages are signed with the one before too, so that the receiver can
 * learn the new one. With 0 hours, the old secret signs nothing any more: it has leaked.
 *
 * @throws ValidationError, EncryptionKeysMissingError, WebhookNotFoundError
 */
export function rotateWebhookSecret(
  database: Database,
  scope: Scope,
  { id, overlapHours = defaultOverlapHours }: { id: bigint; overlapHours?: number | null | undefined },
  { encryptionKeys }: WebhookPolicies,
): Promise<IssuedWebhookSecret> {
  const keys = requireKeys(encryptionKeys);
  const hours = overlapHours ?? defaultOverlapHours;
  if (!(hours >= 0 && hours <= maxOverlapHours)) {
    const message = `The previous secret can stay valid for 0 to ${maxOverlapHours} hours.`;
    throw new ValidationError([{ path: ['overlapHours'], message }]);
  }
  const secret = createWebhookSecret();
  return inTransaction(database, async (db) => {
    const before = await lockWebhook(db, id);
    const previous = hours === 0 ? null : readable(() => currentSecretOf(keys, before));
    const webhook = await db.webhook.update({
      where: { id },
      data: {
        encryptedSecret: encryptSecret(keys, secret, id, 'encryptedSecret'),
        previousEncryptedSecret: previous && encryptSecret(keys, previous, id, 'previousEncryptedSecret'),
        previousSecretUntil: previous && new Date(scope.now.getTime() + hours * 3_600_000),
      },
    });
    await record(db, scope, 'WEBHOOK_SECRET_ROTATED', webhook);
    return { webhook, secret };
  });
}

/** Returns null for a secret whose encryption key is lost: a new secret is the way out. */
function readable(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** The number of deliveries that one statement deletes, so that requests wait only shortly for it. */
const maxDeletedAtOnce = 1_000;

/**
 * Deletes a webhook with its deliveries, of which there may be millions. Disables it first, so that it gets no further
 * ones. After a failure it stays disabled, and a second call continues. @throws WebhookNotFoundError
 */
export async function deleteWebhook(database: Database, scope: Scope, id: bigint): Promise<Webhook> {
  const disabled = { disabledAt: scope.now, disabledReason: 'ADMINISTRATOR' satisfies DisabledReason };
  await database.webhook.updateMany({ where: { id, disabledAt: null }, data: disabled });
  await deleteDeliveries(database, id);
  return inTransaction(database, async (db) => {
    const webhook = await lockWebhook(db, id);
    await db.webhook.delete({ where: { id } });
    await record(db, scope, 'WEBHOOK_DELETED', webhook);
    return webhook;
  });
}

/** Deletes by ranges of ids: a search from the first row would pass all that were deleted before. */
async function deleteDeliveries(database: Database, webhookId: bigint): Promise<void> {
  for (let gt = 0n; ; ) {
    const page = { orderBy: { id: 'asc' }, skip: maxDeletedAtOnce - 1, take: 1, select: { id: true } } as const;
    const [last] = await database.webhookDelivery.findMany({ where: { webhookId, id: { gt } }, ...page });
    const range = last ? { gt, lte: last.id } : { gt };
    await database.webhookDelivery.deleteMany({ where: { webhookId, id: range } });
    if (!last) return;
    gt = last.id;
  }
}

/** Sends an event to a webhook, of whichever types it receives. @throws WebhookNotFoundError */
export function testWebhook(database: Database, scope: Scope, id: bigint): Promise<Webhook> {
  return inTransaction(database, async (db) => {
    const webhook = await lockWebhook(db, id);
    await record(db, scope, 'WEBHOOK_TESTED', webhook);
    return webhook;
  });
}

/** Records an event of a webhook. It belongs to the history of no user. */
export function record(db: Db, scope: Scope, type: AuditEventType, webhook: Webhook): Promise<void> {
  return recordEvent(db, scope, { type, userId: null, sessionHandle: null, detail: detailOf(webhook) });
}
