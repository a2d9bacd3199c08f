/** Webhooks: the receivers of events. */
import { hash } from 'node:crypto';
import type { Db } from '../database/database.ts';
import { ValidationError, type ValidationIssue, WebhookNotFoundError } from '../errors.ts';
import { type AuditEventType, auditEventTypes } from '../events/record.ts';
import type { AuditEvent, Webhook } from '../generated/sqlite/client.ts';
import { hasSecurityEvent } from '../security-events/event-types.ts';
import type { AddressPolicy } from './http/addresses.ts';
import { urlProblem } from './http/url.ts';

export type { Webhook };

/** Why a webhook is disabled. */
export const disabledReasons = {
  ADMINISTRATOR: 'An administrator, or a command in a shell, disabled it.',
  GONE: 'Its receiver answered with the status 410 (Gone).',
  FAILING: 'Every attempt has failed for five days.',
} as const;

export type DisabledReason = keyof typeof disabledReasons;

/** The states of a delivery. */
export const deliveryStates = {
  WAITING: 'It waits for an attempt: the first, or another one after a failure.',
  DELIVERED: 'The receiver accepted it. It is kept for three days.',
  DEAD: 'It was given up. It is kept for 30 days, and can be replayed.',
} as const;

export type DeliveryState = keyof typeof deliveryStates;

/** The part of a webhook that administrators choose. */
export type WebhookInput = {
  url: string;
  description?: string | null | undefined;
  /** Null for all types, also those of later versions. */
  eventTypes?: readonly string[] | null | undefined;
  /** The format of its messages. STANDARD by default. */
  format?: string | null | undefined;
};

/** The formats of messages. */
export const webhookFormats = {
  STANDARD: 'Standard Webhooks: JSON, signed with the secret of the webhook.',
  SET: 'Security event tokens (RFC 8935) of CAEP and RISC, signed with the signing keys of the server.',
} as const;

export type WebhookFormatName = keyof typeof webhookFormats;

const maxDescriptionLength = 200;

/** Returns the types of events that a webhook receives, or null for all. Ignores those that this version lacks. */
export function eventTypesOf({ eventTypes }: Pick<Webhook, 'eventTypes'>): AuditEventType[] | null {
  return eventTypes === null ? null : eventTypes.split(' ').filter(isEventType);
}

function isEventType(name: string): name is AuditEventType {
  return Object.hasOwn(auditEventTypes, name);
}

/** Returns whether a webhook receives an event: one of its types, or its test. */
export function wantsEvent(webhook: Webhook, { type, detail }: AuditEvent): boolean {
  if (webhook.eventTypes === null || webhook.eventTypes.split(' ').includes(type)) return true;
  return isTestOf(webhook, { type, detail });
}

/** Returns whether an event is the test of a webhook. */
export function isTestOf(webhook: Pick<Webhook, 'id'>, { type, detail }: Pick<AuditEvent, 'type' | 'detail'>): boolean {
  return type === 'WEBHOOK_TESTED' && (detail?.endsWith(suffixOf(webhook)) ?? false);
}

/**
 * Returns the id of a message: the same for each attempt, so that receivers recognise a repetition. It contains the
 * time of the event, because a database that was restored from a backup assigns ids again.
 */
export function messageIdOf({ id }: Webhook, event: AuditEvent): string {
  const source = JSON.stringify([String(id), String(event.id), event.at.toISOString(), event.type]);
  return `msg_${hash('sha256', source, 'base64url').slice(0, 27)}`;
}

/** Returns the text that tells administrators which webhook an event is about: the rest of a URL may be secret. */
export function detailOf(webhook: Pick<Webhook, 'id' | 'url'>): string {
  return `${new URL(webhook.url).host} ${suffixOf(webhook)}`;
}

function suffixOf({ id }: Pick<Webhook, 'id'>): string {
  return `(${id})`;
}

/** Returns the name of a webhook in sentences for operators. */
export function nameOf(webhook: Webhook): string {
  return `Webhook ${webhook.id} (${new URL(webhook.url).host})`;
}

/** Returns the columns for the input of an administrator. @throws ValidationError with all problems. */
export function checkWebhook({ url, description, eventTypes, format: name }: WebhookInput, policy: AddressPolicy) {
  const issues: ValidationIssue[] = [];
  const refuse = (argument: string, message: string) => issues.push({ path: [argument], message });
  const problem = urlProblem(url, policy);
  if (problem !== null) refuse('url', problem);
  const note = description?.trim() || null;
  // PostgreSQL cannot store NUL, and terminals obey other control characters.
  if (note !== null && (note.length > maxDescriptionLength || /\p{Cc}/u.test(note))) {
    refuse('description', `The description must have one line of at most ${maxDescriptionLength} characters.`);
  }
  const unknown = eventTypes?.filter((name) => !isEventType(name)) ?? [];
  if (unknown.length > 0) refuse('eventTypes', `There is no type of event ${unknown.slice(0, 5).join(' or ')}.`);
  if (eventTypes?.length === 0) refuse('eventTypes', 'Name at least one type of event, or leave them out for all.');
  const format = name ?? 'STANDARD';
  if (!Object.hasOwn(webhookFormats, format)) {
    refuse('format', `The formats are ${Object.keys(webhookFormats).join(' and ')}.`);
  }
  if (format === 'SET' && eventTypes && !eventTypes.some(hasSecurityEvent)) {
    refuse('eventTypes', 'No security event tells about any of these types.');
  }
  if (issues.length > 0) throw new ValidationError(issues);
  const types = eventTypes && Object.keys(auditEventTypes).filter((name) => eventTypes.includes(name));
  return { url: new URL(url).href, description: note, eventTypes: types?.join(' ') ?? null, format };
}

/** Locks the row of a webhook until the transaction ends, and returns the webhook. @throws WebhookNotFoundError */
export async function lockWebhook(db: Db, id: bigint): Promise<Webhook> {
  const [webhook] = await db.webhook.updateManyAndReturn({ where: { id }, data: { id } });
  if (!webhook) throw new WebhookNotFoundError();
  return webhook;
}
