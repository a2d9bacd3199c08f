/** Reads from the log the messages that a stream has not told. */
import type { Database } from '../database/database.ts';
import { maxMissedIds, readMissedEvents } from '../events/log.ts';
import type { AuditEventType } from '../events/record.ts';
import { type Message, maxEventsPerMessage, toldTypes } from './messages.ts';
import { type EventFilter, messagesOf } from './open-streams.ts';
import type { Reader } from './reader.ts';

/** Returns the next messages. Null after the last one. */
export type ReadMissed = () => Promise<Message[] | null>;

export type Missed = {
  reader: Reader;
  filter: EventFilter | null;
  /** The position after which the messages begin. */
  from: bigint;
  /** The highest id of an event that was told. */
  upTo: bigint;
  /** Every event up to it was told. */
  settled: bigint;
  /** True for a client that resumes: it is refused if too many ids follow. An open stream reads any number. */
  isResumed: boolean;
};

/** Returns a function that reads the events that were told between a position and now, page by page. */
export function missedBy(database: Database, { reader, filter, from, upTo, settled, isResumed }: Missed): ReadMissed {
  const userId = filter === null ? (reader.opened.session?.userId ?? null) : filter.userId;
  const types = filter === null ? toldTypes : filter.types && ([...filter.types] as AuditEventType[]);
  let after: bigint | null = from;
  return async () => {
    if (after === null) return null;
    // With a filter, few events in many ids may match: one statement does not look through all of them.
    const end: bigint = isResumed ? upTo : min(after + maxMissedIds, upTo);
    const events = await readMissedEvents(database, { after, upTo: end, userId, types }, maxEventsPerMessage);
    const isFull = events.length === maxEventsPerMessage;
    after = isFull ? (events.at(-1)?.id ?? null) : end < upTo ? end : null;
    const positions = events.map(({ id }) => min(id, settled));
    return messagesOf({ filter }, events, positions);
  };
}

function min(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
