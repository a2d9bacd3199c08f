import type { Database } from '../database/database.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';

/**
 * Reads the event log in the order of the ids, from the first event after an id, and at most so many. To follow the log,
 * continue after the last id that was returned.
 *
 * Never returns an event while one with a lower id may still be committed, so that a reader which continues after it
 * misses nothing. Ids that were rolled back, or whose events were pruned, are skipped.
 */
export async function readEvents(database: Database, after: bigint, limit: number): Promise<AuditEvent[]> {
  const settled = await database.$settledId('AuditEvent');
  // A statement of its own: it sees all that was committed up to then.
  return database.auditEvent.findMany({
    where: { id: { gt: after, lte: settled } },
    orderBy: { id: 'asc' },
    take: limit,
  });
}
