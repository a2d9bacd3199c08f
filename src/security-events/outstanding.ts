/** Reads the events that a receiver has not acknowledged. */
import type { Database } from '../database/database.ts';
import { settledId } from '../database/ids.ts';
import { findEvents } from '../events/log.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';
import { isSecurityEvent } from './event-types.ts';
import { maxAhead, type Place, type Receiver } from './receiver.ts';

/** The events of one read of the log, and the reads of one poll: most events of a log are no security events. */
const batchSize = 500;
const maxBatches = 20;

export type Outstanding = {
  /** The oldest events that are not acknowledged, in the order of the log. */
  events: AuditEvent[];
  /** True if more may follow. */
  isMore: boolean;
  /** The place before the first of them: all up to it are done. */
  done: Place;
};

/** Returns up to `limit` events of the log that a receiver has not acknowledged, oldest first. */
export async function readOutstanding(
  database: Database,
  { done, acknowledged }: Omit<Receiver, 'clientId'>,
  limit: number,
): Promise<Outstanding> {
  const found: Outstanding = { events: [], isMore: true, done };
  // No event above it is read, because one with a lower id may still be committed.
  const settled = await settledId(database, 'AuditEvent');
  let last = done.id;
  let ahead = 0;
  for (let batches = 0; batches < maxBatches; batches += 1) {
    const read = await findEvents(database, { id: { gt: last, lte: settled } }, batchSize);
    for (const event of read) {
      last = event.id;
      if (isSecurityEvent(event) && !acknowledged.has(event.id)) {
        if (found.events.length === limit || found.events.length + ahead > maxAhead) return found;
        found.events.push(event);
      } else if (found.events.length === 0) found.done = { id: event.id, at: later(found.done.at, event.at) };
      else if (acknowledged.has(event.id)) ahead += 1;
    }
    if (read.length < batchSize) return { ...found, isMore: false };
  }
  return found;
}

/** Returns the later time: an expiry is recorded after its own time. */
function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/**
 * Returns the id up to which events may have been deleted before a receiver acknowledged them. Null if none were: it was
 * up to date within the retention, or its next event is still there.
 */
export async function findLoss(
  database: Database,
  { done }: Pick<Receiver, 'done'>,
  retainedSince: Date,
): Promise<bigint | null> {
  if (done.at >= retainedSince) return null;
  const oldest = await database.auditEvent.findFirst({ orderBy: { id: 'asc' }, select: { id: true } });
  if (oldest) return oldest.id > done.id + 1n ? oldest.id - 1n : null;
  const newest = await settledId(database, 'AuditEvent');
  return newest > done.id ? newest : null;
}
