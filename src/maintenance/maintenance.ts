import { type Repeated, repeat } from '../background.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { withLease } from '../database/lease.ts';
import { reencryptKeptFactors } from '../factors/changes/reencrypt.ts';
import { rotateSigningKeys } from '../signing-keys/rotate.ts';
import { reencryptWebhookSecrets } from '../webhooks/secrets.ts';
import { ClockJumpError, noteClock, requireTrustedClock } from './clock-check.ts';
import { carryOutFactorResets } from './factor-resets.ts';
import { idWarnings } from './id-warnings.ts';
import {
  deleteClientInfo,
  endExpired,
  pruneDeliveries,
  pruneEvents,
  pruneExpired,
  pruneRevocations,
  pruneSessions,
  type ShouldContinue,
} from './prune.ts';

const intervalMs = 10 * 60_000;

export type MaintenancePolicy = Pick<
  Config,
  'sessionRetentionMs' | 'deviceRetentionMs' | 'auditRetentionMs' | 'sessions' | 'encryptionKeys' | 'adminRoles'
>;

/**
 * Ends expired sessions, deletes the client information of ended sessions, prunes sessions and events after their
 * retention, deletes expired tokens and counts, carries out due resets of factors, and rotates the signing keys. Returns
 * the number of pruned sessions. Null if another process is doing the maintenance.
 *
 * @throws ClockJumpError if the clock has jumped. Nothing is then changed.
 */
export function maintain(
  database: Database,
  policy: MaintenancePolicy,
  clock: Clock,
  shouldContinue: ShouldContinue = () => true,
): Promise<number | null> {
  return withLease(database, 'maintenance', clock, async (isHeld) => {
    const now = clock.now().getTime();
    await requireTrustedClock(database, new Date(now), policy.sessions);
    const mayContinue: ShouldContinue = async () => (await shouldContinue()) && (await isHeld());
    // First, so that no session is pruned before its expiry is recorded.
    await endExpired(database, new Date(now), policy.sessions, mayContinue);
    if (!(await mayContinue())) return 0;
    const pruned = await pruneSessions(database, new Date(now - policy.sessionRetentionMs), mayContinue);
    if (await mayContinue()) await deleteClientInfo(database, new Date(now - policy.deviceRetentionMs), mayContinue);
    if (await mayContinue()) await pruneEvents(database, new Date(now - policy.auditRetentionMs), mayContinue);
    if (await mayContinue()) await pruneRevocations(database, new Date(now - policy.auditRetentionMs));
    if (await mayContinue()) await pruneExpired(database, new Date(now), mayContinue);
    if (await mayContinue()) await pruneDeliveries(database, new Date(now), mayContinue);
    if (await mayContinue()) await carryOutFactorResets(database, new Date(now), policy, mayContinue);
    const { encryptionKeys } = policy;
    if (encryptionKeys !== null && (await mayContinue())) {
      await rotateSigningKeys(database, encryptionKeys, clock);
      await reencryptWebhookSecrets(database, encryptionKeys, new Date(now));
      await reencryptKeptFactors(database, encryptionKeys);
    }
    await noteClock(database, new Date(now));
    return pruned;
  });
}

export type MaintenanceOptions = { report: (error: unknown) => void; firstRunAfterMs?: number; pauseMs?: number };

/**
 * Starts the maintenance in the background, every ten minutes. Reports a jump of the clock once, and warns about ids
 * that are nearly used up.
 */
export function startMaintenance(
  database: Database,
  policy: MaintenancePolicy,
  clock: Clock,
  { report, firstRunAfterMs = 5_000, pauseMs = intervalMs }: MaintenanceOptions,
): Repeated {
  let hasJumped = false;
  const warnAboutIds = idWarnings(report);
  const work = async (isStopping: () => boolean) => {
    try {
      await maintain(database, policy, clock, () => !isStopping());
      hasJumped = false;
    } catch (error) {
      if (!(error instanceof ClockJumpError)) throw error;
      if (!hasJumped) report(error);
      hasJumped = true;
    }
    await warnAboutIds(database);
  };
  return repeat(pauseMs, work, report, firstRunAfterMs);
}
