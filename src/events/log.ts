import type { Database } from '../database/database.ts';
import { settledId } from '../database/ids.ts';
import { RequestError } from '../errors.ts';
import type { AuditEvent, Prisma } from '../generated/sqlite/client.ts';
import type { AuditEventType } from './record.ts';

/**
 * Returns up to `limit` events of the log after an id, in the order of the ids. To follow the log, continue after the
 * last id that was returned.
 *
 * Never returns an event while one with a lower id may still be committed. So a reader that continues after it misses
 * no event. Skips ids that were rolled back or whose events were pruned.
 */
export async function readEvents(database: Database, after: bigint, limit: number): Promise<AuditEvent[]> {
  const settled = await settledId(database, 'AuditEvent');
  // A separate statement, so that it sees everything that was committed before.
  return findEvents(database, { id: { gt: after, lte: settled } }, limit);
}

/** Events that a reader missed: with ids above `after` and up to `upTo`. */
export type MissedEvents = {
  after: bigint;
  upTo: bigint;
  /** The user whose history they belong to. Null for all users. */
  userId: bigint | null;
  /** The types of the events. Null for all types. */
  types: readonly AuditEventType[] | null;
};

/** The maximum number of ids that a reader of all users resumes over. More take longer than a new start. */
export const maxMissedIds = 100_000n;

/**
 * Returns up to `limit` of the events that a reader missed, in the order of the ids. To read all, continue after the last
 * one until fewer than `limit` are returned.
 *
 * @throws RequestError RESUME_TOO_OLD if events after `after` were pruned, or too many ids follow it. BAD_USER_INPUT if
 *   `after` is an id that the log has not given out.
 */
export async function readMissedEvents(database: Database, missed: MissedEvents, limit: number): Promise<AuditEvent[]> {
  const { after, upTo, userId, types } = missed;
  await requireResumable(database, missed);
  if (after >= upTo) return [];
  const where = {
    id: { gt: after, lte: upTo },
    ...(userId === null ? {} : { userId }),
    ...(types === null ? {} : { type: { in: [...types] } }),
  };
  return findEvents(database, where, limit);
}

async function requireResumable(database: Database, { after, upTo, userId }: MissedEvents): Promise<void> {
  const newest = await database.$newestId('AuditEvent');
  if (after < 0n || after > newest) {
    throw new RequestError('BAD_USER_INPUT', '`after` must be a cursor of this log. Leave it out to start now.');
  }
  if (after === newest) return;
  const oldest = await database.auditEvent.findFirst({ orderBy: { id: 'asc' }, select: { id: true } });
  // Without any event, the newest ones were pruned, or rolled back: nothing tells which.
  const isPruned = oldest === null || oldest.id > after + 1n;
  if (isPruned || (userId === null && upTo - after > maxMissedIds)) throw resumeTooOld();
}

/** Returns the refusal of a reader that wants to resume where the log ends no more, or too far back. */
export function resumeTooOld(): RequestError {
  const message =
    'Events after this cursor were deleted, or there are too many. Read the current state, and subscribe without `after`.';
  return new RequestError('RESUME_TOO_OLD', message);
}

/** Returns up to `limit` events, in the order of their ids. */
export function findEvents(
  database: Database,
  where: Prisma.AuditEventWhereInput,
  limit: number,
): Promise<AuditEvent[]> {
  return database.auditEvent.findMany({ where, orderBy: { id: 'asc' }, take: limit });
}
