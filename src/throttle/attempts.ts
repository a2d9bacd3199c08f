/** How often somebody may be wrong about a password. */
import { hash } from 'node:crypto';
import type { AttemptPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { run } from '../database/raw-sql.ts';
import { retryConflicts } from '../database/transaction.ts';
import { InvalidCredentialsError, RateLimitedError } from '../errors.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import type { ClientInfo, Scope } from '../scope.ts';
import { accountKeyOf } from '../users/email.ts';
import { countOnce, type RateLimit, requireNotReached, uncount } from './rate-limit.ts';
import { addressLimits, quarterMs } from './requests.ts';

/**
 * NIST SP 800-63B-4 section 3.2.2: at most 100 failures in a row for an account. Half of them are for devices on which
 * its user has signed in, so that nobody else can use those up.
 */
const maxFailureStreak = 50;

/** How long to wait once too many were wrong, doubled with each that follows; of the same section. */
const wait = { firstMs: 30_000, maxMs: 3_600_000 };

/** Long enough for "in a row", and not for ever: an address that nobody has is counted too. */
const streakMs = 365 * 86_400_000;

/** Whose password is given, and how often that may fail. */
export type Attempt = {
  /** The key of the account's address. Attempts at an address without an account count alike. */
  accountKey: string;
  policy: AttemptPolicy;
  /** Whether the user is known to have signed in there. What strangers do is then no hindrance. */
  isTrustedDevice: boolean;
};

/** Forgets that anything was wrong before, in the transaction that the right password is for. */
export type Succeed = (db: Db) => Promise<void>;

/**
 * Does what checks a password, unless too many were wrong before. The attempt counts from before the check, so that of
 * many at once no more are made than of many in a row; and as what it was, after it.
 *
 * A check that ends with InvalidCredentialsError was wrong. One that returns was right, and all is forgotten: by
 * `succeed` in a transaction of its own, or afterwards. Any other error says nothing of the password, and the attempt
 * was none.
 *
 * @throws RateLimitedError if one has to wait. Nothing was checked then.
 */
export async function withAttempt<T>(
  database: Database,
  { client, now }: Scope,
  attempt: Attempt,
  check: (succeed: Succeed) => Promise<T>,
): Promise<T> {
  const { policy } = attempt;
  const limits = limitsOf(attempt, client);
  await requireNotReached(database, [limits.failureStreak, limits.cooldown, ...limits.others], now);
  const isCoolingDown = await count(database, limits, policy, now);
  let isForgotten = false;
  async function succeed(db: Db): Promise<void> {
    await deleteCounts(db, attempt.accountKey);
    await uncount(db, limits.others);
    isForgotten = true;
  }
  try {
    const result = await check(succeed);
    if (!isForgotten) await retryConflicts(() => succeed(database));
    return result;
  } catch (error) {
    if (!(error instanceof InvalidCredentialsError)) await retryConflicts(() => undo(database, limits, isCoolingDown));
    throw error;
  }
}

/** Lets somebody try again at once, whose password was proved, or replaced by whoever has the address. */
export function forgetFailures(db: Db, email: string): Promise<void> {
  return deleteCounts(db, accountKeyOf(email));
}

async function deleteCounts(db: Db, accountKey: string): Promise<void> {
  const keys = [true, false].flatMap((isTrustedDevice) => {
    const { failureStreak, cooldown, cooldownCount } = accountLimits(accountKey, isTrustedDevice);
    return [failureStreak.key, cooldown.key, cooldownCount.key];
  });
  await run(db, Prisma.sql`DELETE FROM "RateLimit" WHERE "key" IN (${Prisma.join(keys)})`);
}

type Limits = {
  failureStreak: RateLimit;
  /** Is there as long as one has to wait. */
  cooldown: RateLimit;
  /** How often one had to wait. */
  cooldownCount: RateLimit;
  others: RateLimit[];
};

function limitsOf({ accountKey, policy, isTrustedDevice }: Attempt, { ipAddress }: ClientInfo): Limits {
  const isCounted = !isTrustedDevice && ipAddress !== null;
  const limit = { kind: 'passwords', points: policy.perAddress, durationMs: quarterMs };
  const others = isCounted ? addressLimits(ipAddress, limit) : [];
  return { ...accountLimits(accountKey, isTrustedDevice), others };
}

function accountLimits(accountKey: string, isTrustedDevice: boolean): Omit<Limits, 'others'> {
  // The stored keys keep their first names: with other keys, an upgrade would lose the counts.
  const bucket = `${isTrustedDevice ? 'known-device' : 'account'}:${hash('sha256', accountKey)}`;
  return {
    failureStreak: { key: `${bucket}:in-a-row`, points: maxFailureStreak, durationMs: streakMs },
    cooldown: { key: `${bucket}:pause`, points: 1, durationMs: wait.firstMs },
    cooldownCount: { key: `${bucket}:pauses`, points: maxFailureStreak, durationMs: streakMs },
  };
}

/**
 * Counts an attempt by one statement, which gives each a number of its own, and returns whether the next one has to
 * wait. From a number on, one at a time takes the cooldown; the others are refused, and were none.
 *
 * @throws RateLimitedError
 */
async function count(db: Db, limits: Limits, { perAccount }: AttemptPolicy, now: Date): Promise<boolean> {
  const { failureStreak, cooldown, others } = limits;
  try {
    const [times = 0] = await countOnce(db, [failureStreak, ...others], now);
    if (times < perAccount) return false;
    await countOnce(db, [cooldown], now);
  } catch (error) {
    if (error instanceof RateLimitedError) await retryConflicts(() => uncount(db, [failureStreak, ...others]));
    throw error;
  }
  await extendCooldown(db, limits, now);
  return true;
}

/**
 * Makes a cooldown that was just taken as long as it must be. That goes by the cooldowns before it: of many attempts at
 * once each has a number for a moment, and whoever takes the cooldown need not be the first.
 */
async function extendCooldown(db: Db, { cooldown, cooldownCount }: Limits, now: Date): Promise<void> {
  const [times = 1] = await countOnce(db, [cooldownCount], now);
  if (times === 1) return;
  const durationMs = Math.min(wait.firstMs * 2 ** (times - 1), wait.maxMs);
  const expiresAt = new Date(now.getTime() + durationMs);
  await db.rateLimit.updateMany({ where: { key: cooldown.key }, data: { expiresAt } });
}

/** Takes back what `count` did. */
async function undo(db: Db, limits: Limits, isCoolingDown: boolean): Promise<void> {
  const { failureStreak, cooldown, cooldownCount, others } = limits;
  await uncount(db, [failureStreak, ...others, ...(isCoolingDown ? [cooldownCount] : [])]);
  if (isCoolingDown) await db.rateLimit.deleteMany({ where: { key: cooldown.key } });
}
