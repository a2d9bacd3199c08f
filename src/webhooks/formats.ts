/** The formats of messages to webhooks. */
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { isUnproven } from '../events/record.ts';
import type { AuditEvent, WebhookDelivery } from '../generated/sqlite/client.ts';
import { eventNames } from './event-names.ts';

/** Returns the global ID of a row, as clients of the API know it. */
export type ToGlobalId = (type: 'User' | 'AuditEvent', id: bigint) => string;

/** The secrets of a webhook that sign its messages: the current one, and during a rotation the one before. */
export type SigningSecrets = readonly [current: string, previous?: string];

export type SignedMessage = { headers: Record<string, string>; body: string };

/** Makes the messages of a format. */
export type WebhookFormat = {
  /** Returns the payload that is stored, or null if this format has no message about such an event. */
  payloadOf(event: AuditEvent, toGlobalId: ToGlobalId): string | null;
  /** Returns the message of an attempt at a time. */
  sign(delivery: WebhookDelivery, secrets: SigningSecrets, now: Date): SignedMessage | Promise<SignedMessage>;
};

/**
 * Standard Webhooks (https://www.standardwebhooks.com). The payload names people by their ids only: it has no address,
 * no IP address and no user agent, because receivers store and forward it. They can ask for the rest over the API.
 */
const standard: WebhookFormat = {
  payloadOf(event, toGlobalId) {
    const user = (id: bigint | null) => (id === null ? null : toGlobalId('User', id));
    return JSON.stringify({
      // Only recordEvents writes the column. A newer server on the same database may know more types.
      type: eventNames[event.type as keyof typeof eventNames] ?? `unknown.${event.type.toLowerCase()}`,
      timestamp: event.at.toISOString(),
      data: {
        eventId: toGlobalId('AuditEvent', event.id),
        userId: user(event.userId),
        actorId: isUnproven(event.type) ? null : user(event.actorId),
        sessionHandle: event.sessionHandle,
        detail: event.detail,
      },
    });
  },
  sign({ messageId, payload }, secrets, now) {
    const signatures = secrets
      .filter((secret) => secret !== undefined)
      .map((secret) => new StandardWebhook(secret).sign(messageId, now, payload));
    return {
      headers: {
        'content-type': 'application/json',
        'webhook-id': messageId,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
        'webhook-signature': signatures.join(' '),
      },
      body: payload,
    };
  },
};

/** The formats, by the values of `Webhook.format`. */
export const formats: Readonly<Record<string, WebhookFormat>> = { STANDARD: standard };
