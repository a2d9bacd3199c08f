import type { AuditEventType } from '../events/record.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';
import { type Message, maxEventsPerMessage, toMessage } from './messages.ts';
import { isOwnHandle, isService, type Reader } from './reader.ts';
import type { Stream } from './stream.ts';

/** The events of all accounts that a stream tells. */
export type EventFilter = {
  /** Null for all users. */
  userId: bigint | null;
  /** Null for all types. */
  types: ReadonlySet<string> | null;
};

/** A stream that is open, with its reader. */
export type OpenStream = {
  stream: Stream;
  reader: Reader;
  /** Null for a stream of the reader's own sessions. */
  filter: EventFilter | null;
  /** The expiry of the reader's session when it was last read. Null for a service. */
  expiresAt: Date | null;
  /** True if the end of the reader's session waits to be delivered. */
  isEnding: boolean;
};

/** The types of events after which a user may have lost a session or a role, in ways that no other event tells. */
const userTypes: ReadonlySet<string> = new Set<AuditEventType>(['USER_SUSPENDED', 'USER_DELETED', 'ROLE_CHANGED']);
const clientTypes: ReadonlySet<string> = new Set<AuditEventType>(['SERVICE_CLIENT_DISABLED', 'SERVICE_CLIENT_REVOKED']);
const secretTypes: ReadonlySet<string> = new Set<AuditEventType>(['SERVICE_SECRET_ROTATED', 'SERVICE_SECRET_RETIRED']);

/** The open streams of a server, by the facts that decide which events they tell. */
export class OpenStreams {
  readonly #all = new Set<OpenStream>();
  readonly #byUser = new Map<bigint, Set<OpenStream>>();
  readonly #filtered = new Set<OpenStream>();

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<OpenStream> {
    return [...this.#all][Symbol.iterator]();
  }

  add(open: OpenStream): void {
    this.#all.add(open);
    if (open.filter !== null) this.#filtered.add(open);
    const userId = userIdOf(open);
    if (userId === null) return;
    const ofUser = this.#byUser.get(userId) ?? new Set();
    ofUser.add(open);
    this.#byUser.set(userId, ofUser);
  }

  remove(open: OpenStream): void {
    this.#all.delete(open);
    this.#filtered.delete(open);
    const userId = userIdOf(open);
    const ofUser = userId === null ? undefined : this.#byUser.get(userId);
    ofUser?.delete(open);
    if (userId !== null && ofUser?.size === 0) this.#byUser.delete(userId);
  }

  /**
   * Gives the streams the messages of new events. A reader that resumes after one of them gets those that follow it, and
   * misses none.
   *
   * @param before - every event up to it was told
   * @param after - every event up to it is told now
   */
  tell(events: readonly AuditEvent[], before: bigint, after: bigint): void {
    const told = new Map<OpenStream, AuditEvent[]>();
    const note = (open: OpenStream, event: AuditEvent) => {
      const known = told.get(open);
      if (known) known.push(event);
      else told.set(open, [event]);
    };
    for (const event of events) {
      for (const open of this.#ofUser(event)) if (open.filter === null) note(open, event);
      for (const open of this.#filtered) if (matches(open.filter, event)) note(open, event);
    }
    for (const [open, own] of told) {
      const at = own.at(-1)?.at ?? new Date();
      const messages = messagesOf(open, own, positionsAfter(own, after));
      for (const message of messages) open.stream.push({ ...message, at }, before);
    }
    for (const event of events) this.#tellEnd(event, after);
  }

  /** Returns the streams whose readers must be read again because of these events. */
  toCheck(events: readonly AuditEvent[]): OpenStream[] {
    const found = new Set<OpenStream>();
    for (const event of events) {
      if (userTypes.has(event.type)) for (const open of this.#ofUser(event)) found.add(open);
      if (clientTypes.has(event.type)) for (const open of this.#ofService(event)) found.add(open);
    }
    return [...found];
  }

  /** Ends the streams of a service whose secrets have changed: its client can subscribe again with a valid one. */
  endReplaced(events: readonly AuditEvent[]): void {
    for (const event of events) {
      if (secretTypes.has(event.type))
        for (const { stream } of this.#ofService(event)) stream.close('CREDENTIAL_REPLACED');
    }
  }

  /** Tells privileged streams that the session of their reader ended, whatever their filter is. */
  #tellEnd(event: AuditEvent, cursor: bigint): void {
    const message = toMessage(event, cursor);
    if (message?.kind !== 'ended') return;
    for (const open of this.#ofUser(event)) {
      if (open.filter !== null && isOwnHandle(open.reader, message.handle)) open.stream.pushLast(message);
    }
  }

  #ofUser({ userId }: AuditEvent): OpenStream[] {
    return userId === null ? [] : [...(this.#byUser.get(userId) ?? [])];
  }

  /** The events of service clients hold only the name. */
  #ofService({ detail }: AuditEvent): OpenStream[] {
    return [...this.#filtered].filter(({ reader }) => isService(reader) && reader.opened.service?.name === detail);
  }
}

function userIdOf({ reader }: OpenStream): bigint | null {
  return isService(reader) ? null : (reader.opened.session?.userId ?? null);
}

function matches(filter: EventFilter | null, { userId, type }: AuditEvent): boolean {
  if (filter === null) return false;
  return (filter.userId === null || filter.userId === userId) && (filter.types === null || filter.types.has(type));
}

/** Returns the position after each of new events, which come in any order: below all events that follow it. */
function positionsAfter(events: readonly AuditEvent[], after: bigint): bigint[] {
  const positions: bigint[] = [];
  let position = after;
  for (const { id } of events.toReversed()) {
    positions.push(position);
    if (id <= position) position = id - 1n;
  }
  return positions.reverse();
}

/** Returns the messages of events, in their order. The cursor of each is the position after its last event. */
export function messagesOf(
  { filter }: Pick<OpenStream, 'filter'>,
  events: readonly AuditEvent[],
  positions: readonly bigint[],
): Message[] {
  const positionAfter = (index: number) => positions[index] ?? 0n;
  if (filter === null) return events.flatMap((event, index) => toMessage(event, positionAfter(index)) ?? []);
  const messages: Message[] = [];
  for (let from = 0; from < events.length; from += maxEventsPerMessage) {
    const some = events.slice(from, from + maxEventsPerMessage);
    messages.push({ kind: 'events', cursor: positionAfter(from + some.length - 1), events: some });
  }
  return messages;
}
