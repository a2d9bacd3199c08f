/** Limits failed attempts at a password, per account and per IP address. */
import { hash } from 'node:crypto';
import type { AttemptPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { isUnavailable } from '../database/failures.ts';
import { run } from '../database/raw-sql.ts';
import { retryConflicts, runConcurrently } from '../database/transaction.ts';
import { isWrongProof, RateLimitedError } from '../errors.ts';
import { Prisma, type User } from '../generated/sqlite/client.ts';
import type { ClientInfo, Scope } from '../scope.ts';
import { accountKeyOf } from '../users/email.ts';
import type { RequireWork } from './proof-of-work.ts';
import { countOnce, type RateLimit, requireNotReached, uncount } from './rate-limit.ts';
import { failureLimits } from './requests.ts';

/**
 * NIST SP 800-63B-4 section 3.2.2: at most 100 consecutive failed attempts per account. Half of them are for trusted
 * devices, so that strangers cannot use those up.
 */
const maxFailureStreak = 50;

/** The cooldown after too many failed attempts; it doubles with each further one. From the same section. */
const cooldownMs = { first: 30_000, max: 3_600_000 };

/** The lifetime of a streak. Long enough for "consecutive", but finite: addresses without an account count too. */
const streakMs = 365 * 86_400_000;

/** The account whose password is given, and the limits of its failed attempts. */
export type Attempt = {
  /** The key of the account's address. Attempts at an address without an account count alike. */
  accountKey: string;
  policy: AttemptPolicy;
  /** True if the attempt comes from a trusted device, which the attempts of strangers do not hinder. */
  isTrustedDevice: boolean;
  /** Is called with the failed attempts from the address before the check, unless the device is trusted. */
  requireWork?: RequireWork;
  /** Is called with the failed attempts in a row if the last of them, this one, has started a cooldown. */
  onCooldown?: (failures: Failures) => Promise<void>;
};

/** Failed attempts in a row, and the time of the first of them. */
export type Failures = { count: number; since: Date };

/**
 * Deletes the counts of the account, in the transaction that the right password is for. With `isLast` false, because a
 * second factor follows, it uncounts this attempt only: a thief with the password must not clear other counts.
 */
export type Succeed = (db: Db, isLast?: boolean) => Promise<void>;

/** A check of a password. `failures` is the number of failed attempts before it, since the last right password. */
type Check<T> = (succeed: Succeed, failures: number) => Promise<T>;

/**
 * Runs a check of a password, unless too many attempts failed before. Counts the attempt before the check, so that
 * concurrent attempts get no more checks than consecutive ones.
 *
 * A check that throws InvalidCredentialsError or PasskeyRejectedError failed, and stays counted. A check that returns
 * succeeded: its counts are deleted, by `succeed` in a transaction of its own, or afterwards. Any other error says
 * nothing about the password, so the attempt is uncounted.
 *
 * @throws RateLimitedError if the account or the address has to wait. The check does not run then.
 * @throws ProofOfWorkRequiredError, as `requireWork` does. The check does not run then either.
 */
export async function withAttempt<T>(
  database: Database,
  { client, now }: Scope,
  attempt: Attempt,
  check: Check<T>,
): Promise<T> {
  const { policy, requireWork } = attempt;
  const limits = limitsOf(attempt, client);
  const counts = await requireNotReached(database, [limits.failureStreak, limits.cooldown, ...limits.perAddress], now);
  await requireWork?.(counts(limits.perAddress[0]?.key));
  const { failures, isCoolingDown, fromAddress } = await count(database, limits, policy, now);
  let isReset = false;
  async function succeed(db: Db, isLast = true): Promise<void> {
    isReset = true;
    if (!isLast) return undo(db, limits, isCoolingDown);
    await runConcurrently([deleteCounts(db, attempt.accountKey), uncount(db, limits.perAddress)]);
  }
  try {
    // Once more by the exact count: concurrent attempts have read the same one.
    await requireWork?.(fromAddress);
    const result = await check(succeed, failures);
    if (!isReset) await retryConflicts(() => succeed(database));
    return result;
  } catch (error) {
    if (isWrongProof(error)) {
      const { onCooldown } = attempt;
      if (isCoolingDown && onCooldown) await onCooldown(await failuresOf(database, limits, now));
      throw error;
    }
    const undoing = retryConflicts(() => undo(database, limits, isCoolingDown));
    // A database that fails may take as long once more, and may fail again. The answer does not wait for it.
    if (isUnavailable(error)) undoing.catch(() => {});
    else await undoing;
    throw error;
  }
}

async function failuresOf(database: Database, { failureStreak }: Limits, now: Date): Promise<Failures> {
  const [row] = await database.$findRateLimits([failureStreak.key]);
  // None if the right password was given meanwhile.
  const since = row?.expiresAt ? new Date(row.expiresAt.getTime() - streakMs) : now;
  return { count: row?.points ?? 1, since };
}

/** Deletes the counts of an account whose password was proved, or replaced by the owner of the address. */
export function resetFailures(db: Db, email: string): Promise<void> {
  return deleteCounts(db, accountKeyOf(email));
}

/**
 * Deletes the counts of an account at its second factor: of one that an operator unlocks, that is deleted, or that loses
 * the factors of the person from before.
 */
export function resetSecondFactorFailures(db: Db, user: Pick<User, 'id'>): Promise<void> {
  return deleteCounts(db, secondFactorKeyOf(user));
}

/**
 * Returns the key under which answers to second factors of an account are counted: not with its passwords, and not by
 * its address. A thief with the password could change the address, again and again, for new tries. And a stranger who
 * had the address before must not use up those of its owner.
 */
export function secondFactorKeyOf({ id }: Pick<User, 'id'>): string {
  return `second-factor of user ${id}`;
}

/** Returns the key under which mailed codes for an account are counted: not with its passwords. */
export function emailCodeKeyOf(email: string): string {
  return `email-code ${accountKeyOf(email)}`;
}

/** Deletes the counts under a key. */
export async function deleteCounts(db: Db, accountKey: string): Promise<void> {
  const keys = [true, false].flatMap((isTrustedDevice) => {
    const { failureStreak, cooldown, cooldownCount } = accountLimits(accountKey, isTrustedDevice);
    return [failureStreak.key, cooldown.key, cooldownCount.key];
  });
  await run(db, Prisma.sql`DELETE FROM "RateLimit" WHERE "key" IN (${Prisma.join(keys)})`, { isPrepared: true });
}

type Limits = {
  failureStreak: RateLimit;
  /** Exists during a cooldown. */
  cooldown: RateLimit;
  /** The number of cooldowns so far. */
  cooldownCount: RateLimit;
  /** The limits of the IP address and its network. None for a trusted device. */
  perAddress: RateLimit[];
};

function limitsOf({ accountKey, policy, isTrustedDevice }: Attempt, { ipAddress }: ClientInfo): Limits {
  const isCounted = !isTrustedDevice && ipAddress !== null;
  const perAddress = isCounted ? failureLimits(ipAddress, policy.perAddress) : [];
  return { ...accountLimits(accountKey, isTrustedDevice), perAddress };
}

function accountLimits(accountKey: string, isTrustedDevice: boolean): Omit<Limits, 'perAddress'> {
  // The stored keys keep their first names. With other keys, an upgrade would lose the counts.
  const bucket = `${isTrustedDevice ? 'known-device' : 'account'}:${hash('sha256', accountKey)}`;
  return {
    failureStreak: { key: `${bucket}:in-a-row`, points: maxFailureStreak, durationMs: streakMs },
    cooldown: { key: `${bucket}:pause`, points: 1, durationMs: cooldownMs.first },
    cooldownCount: { key: `${bucket}:pauses`, points: maxFailureStreak, durationMs: streakMs },
  };
}

type Counted = {
  /** The number of attempts before this one. */
  failures: number;
  /** Whether this one started a cooldown. */
  isCoolingDown: boolean;
  /** The number of attempts from the address before this one. Zero on a trusted device. */
  fromAddress: number;
};

/**
 * Counts an attempt by one statement, which gives each attempt its own number. From a number on, one attempt at a time
 * takes the cooldown. The others are refused and uncounted.
 *
 * @throws RateLimitedError
 */
async function count(db: Db, limits: Limits, { perAccount }: AttemptPolicy, now: Date): Promise<Counted> {
  const { failureStreak, cooldown, perAddress } = limits;
  let counted: Omit<Counted, 'isCoolingDown'>;
  try {
    const [times = 1, timesFromAddress = 1] = await countOnce(db, [failureStreak, ...perAddress], now);
    counted = { failures: times - 1, fromAddress: timesFromAddress - 1 };
    if (times < perAccount) return { ...counted, isCoolingDown: false };
    await countOnce(db, [cooldown], now);
  } catch (error) {
    if (error instanceof RateLimitedError) await retryConflicts(() => uncount(db, [failureStreak, ...perAddress]));
    throw error;
  }
  await extendCooldown(db, limits, now);
  return { ...counted, isCoolingDown: true };
}

/**
 * Extends a new cooldown by the number of cooldowns before it. The number of the attempt would not do: many attempts at
 * once each have a number for a moment, and the one that takes the cooldown need not be the first.
 */
async function extendCooldown(db: Db, { cooldown, cooldownCount }: Limits, now: Date): Promise<void> {
  const [times = 1] = await countOnce(db, [cooldownCount], now);
  if (times === 1) return;
  const durationMs = Math.min(cooldownMs.first * 2 ** (times - 1), cooldownMs.max);
  const expiresAt = new Date(now.getTime() + durationMs);
  await db.rateLimit.updateMany({ where: { key: cooldown.key }, data: { expiresAt } });
}

/** Uncounts an attempt: reverts `count`. */
async function undo(db: Db, limits: Limits, isCoolingDown: boolean): Promise<void> {
  const { failureStreak, cooldown, cooldownCount, perAddress } = limits;
  await uncount(db, [failureStreak, ...perAddress, ...(isCoolingDown ? [cooldownCount] : [])]);
  if (isCoolingDown) await db.rateLimit.deleteMany({ where: { key: cooldown.key } });
}
