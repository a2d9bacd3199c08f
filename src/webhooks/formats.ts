/** The formats of messages to webhooks. */
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { isUnproven } from '../events/record.ts';
import type { AuditEvent, Webhook, WebhookDelivery } from '../generated/sqlite/client.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { eventNames } from './event-names.ts';
import { set } from './set-format.ts';

/** Returns the global ID of a row, as clients of the API know it. */
export type ToGlobalId = (type: 'User' | 'AuditEvent' | 'Webhook', id: bigint) => string;

/** The secrets of a webhook that sign its messages: the current one, and during a rotation the one before. */
export type SigningSecrets = readonly [current: string, previous?: string];

export type SignedMessage = {
  headers: Record<string, string>;
  body: string;
  /** Returns the code of an error in the body of an answer with the status 400, or null. Without it, none is read. */
  errorOf?(answer: string): AnsweredError | null;
};

/** An error that a receiver answers. It is final if no further attempt can succeed. */
export type AnsweredError = { code: string; isFinal: boolean };

/** The names in a payload, and the webhook that it is for. */
export type Naming = { webhook: Webhook; toGlobalId: ToGlobalId; issuer: string };

/** The parts of the signature of a message. */
export type Signing = { webhook: Webhook; secrets: SigningSecrets; signingKeys: SigningKeys | null; now: Date };

/** Makes the messages of a format. */
export type WebhookFormat = {
  /** Returns the payload that is stored, or null if this format has no message about such an event. */
  payloadOf(event: AuditEvent, naming: Naming): string | null;
  /** Returns the message of an attempt at a time. */
  sign(delivery: WebhookDelivery, signing: Signing): SignedMessage | Promise<SignedMessage>;
};

/**
 * Standard Webhooks (https://www.standardwebhooks.com). The payload names people by their ids only: it has no address,
 * no IP address and no user agent, because receivers store and forward it. They can ask for the rest over the API.
 */
const standard: WebhookFormat = {
  payloadOf(event, { toGlobalId }) {
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
  sign({ messageId, payload }, { secrets, now }) {
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

/** The formats, by the values of `Webhook.format`. Null for a name that this version does not know. */
export function formatOf({ format }: Pick<Webhook, 'format'>): WebhookFormat | null {
  if (format === 'STANDARD') return standard;
  return format === 'SET' ? set : null;
}
