/** Makes the messages of streams from the events of the log. */
import type { AuditEventType } from '../events/record.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';
import type { EndReason } from '../sessions/end.ts';

/** The maximum number of events in one message. */
export const maxEventsPerMessage = 100;

/** The end of a session. */
export type EndedSession = { handle: string; reason: EndReason; endedAt: Date };

/** A message of a stream. A reader that resumes after the cursor of the last message it received misses nothing. */
export type Message = {
  cursor: bigint;
  /** The time of the newest event that it tells, if it is new. */
  at?: Date;
} & (
  | { kind: 'start' }
  | { kind: 'started'; handle: string }
  | ({ kind: 'ended' } & EndedSession)
  | { kind: 'changed'; handle: string }
  | { kind: 'viewer' }
  | { kind: 'events'; events: readonly AuditEvent[] }
);

export type MessageKind = Message['kind'];

/** The message of each type of event in the stream of its user. Types without one are not told. */
const kinds: Partial<Record<AuditEventType, 'started' | 'ended' | 'changed' | 'viewer'>> = {
  SIGNED_UP: 'started',
  LOGGED_IN: 'started',
  PASSWORD_RESET: 'started',
  LOGGED_OUT: 'ended',
  SESSION_REVOKED: 'ended',
  SESSION_EXPIRED: 'ended',
  REAUTHENTICATED: 'changed',
  PRIVATE_DATA_CHANGED: 'changed',
  PUBLIC_DATA_CHANGED: 'changed',
  PASSWORD_CHANGED: 'changed',
  PASSWORD_REMOVED: 'viewer',
  EMAIL_VERIFIED: 'viewer',
  EMAIL_CHANGED: 'viewer',
  ROLE_CHANGED: 'viewer',
  PROFILE_CHANGED: 'viewer',
  USERNAME_CHANGED: 'viewer',
};

/** The types of events that the stream of a user tells. */
export const toldTypes = Object.keys(kinds) as AuditEventType[];

/** Returns the message of an event in the stream of its user. Null if streams do not tell it. */
export function toMessage(event: AuditEvent, cursor: bigint): Message | null {
  const kind = kinds[event.type as AuditEventType];
  const handle = event.sessionHandle;
  if (kind === 'viewer') return { kind, cursor };
  if (kind === undefined || handle === null) return null;
  return kind === 'ended' ? { kind, cursor, ...endOf(event, handle) } : { kind, cursor, handle };
}

/** Returns the end of a session that an event records. */
function endOf({ type, detail, at }: AuditEvent, handle: string): EndedSession {
  // Only `endSessions` writes these events: with the reason, or none if the type tells it.
  const plain = type === 'LOGGED_OUT' ? 'LOGOUT' : 'REVOKED';
  return { handle, reason: (detail as EndReason | null) ?? plain, endedAt: at };
}

/**
 * Returns the messages that wait, with one more. Events join those that wait already, and of several changes of the same
 * thing, the last one waits.
 */
export function withMessage(waiting: readonly Message[], message: Message): Message[] {
  const key = changeOf(message);
  const others = waiting.filter((one) => key === null || changeOf(one) !== key);
  const last = others.at(-1);
  if (message.kind === 'events' && last?.kind === 'events') {
    const events = [...last.events, ...message.events];
    if (events.length <= maxEventsPerMessage) return [...others.slice(0, -1), { ...message, events }];
  }
  return [...others, message];
}

/** Returns a name for the change that a message tells, which its reader then reads as it is. Null for others. */
function changeOf(message: Message): string | null {
  if (message.kind === 'viewer') return 'viewer';
  return message.kind === 'changed' ? message.handle : null;
}
