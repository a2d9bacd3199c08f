import type { Database } from '../database/database.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';

/**
 * Returns up to `limit` events of the log after an id, in the order of the ids. To follow the log, continue after the
 * last id that was returned.
 *
 * Never returns an event while one with a lower id may still be committed. So a reader that continues after it misses
 * no event. Skips ids that were rolled back or whose events were pruned.
 */
export async function readEvents(database: Database, after: bigint, limit: number): Promise<AuditEvent[]> {
  const settled = await database.$settledId('AuditEvent');
  // A separate statement, so that it sees everything that was committed before.
  return database.auditEvent.findMany({
    where: { id: { gt: after, lte: settled } },
    orderBy: { id: 'asc' },
    take: limit,
  });
}
