import { type Repeated, repeat } from '../background.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../database/clock.ts';
import type { Database, Db } from '../database/database.ts';
import { withLease } from '../database/lease.ts';
import { forgetData, forgetDevices, forgetEvents, type GoOn, pruneExpired, pruneSessions } from './prune.ts';

const intervalMs = 10 * 60_000;

export type Retention = Pick<Config, 'sessionRetentionMs' | 'deviceRetentionMs' | 'auditRetentionMs'>;

/**
 * Prunes sessions, forgets the data of expired ones, the devices of ended ones and what happened long ago, and deletes
 * what else has expired, unless that is being done just now. Returns how many sessions were deleted, or null if it was
 * left to whoever is at it.
 */
export function maintain(db: Db, retention: Retention, clock: Clock, goOn: GoOn = () => true): Promise<number | null> {
  return withLease(db, 'maintenance', clock, async (isHeld) => {
    const now = clock.now().getTime();
    const both: GoOn = async () => (await goOn()) && (await isHeld());
    const pruned = await pruneSessions(db, new Date(now - retention.sessionRetentionMs), both);
    if (await both()) await forgetData(db, new Date(now), both);
    if (await both()) await forgetDevices(db, new Date(now - retention.deviceRetentionMs), both);
    if (await both()) await forgetEvents(db, new Date(now - retention.auditRetentionMs), both);
    if (await both()) await pruneExpired(db, new Date(now), both);
    return pruned;
  });
}

/** Does the maintenance in the background, every ten minutes. */
export function startMaintenance(
  database: Database,
  retention: Retention,
  clock: Clock,
  { report, firstRunAfterMs = 5_000 }: { report: (error: unknown) => void; firstRunAfterMs?: number },
): Repeated {
  const work = (isStopping: () => boolean) => maintain(database, retention, clock, () => !isStopping());
  return repeat(intervalMs, work, report, firstRunAfterMs);
}
