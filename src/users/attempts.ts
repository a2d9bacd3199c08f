/** How often somebody may be wrong: about a password, and from one address. */
import { hash } from 'node:crypto';
import type { Device } from '../audit/record.ts';
import type { AttemptPolicy } from '../config.ts';
import type { Database, Db } from '../database/database.ts';
import { retryConflicts } from '../database/transaction.ts';
import { InvalidCredentialsError, RateLimitedError, RequestError } from '../errors.ts';
import { networkOf } from './network.ts';
import type { MailName } from './outbox.ts';
import { countOnce, type RateLimit, requireNotReached } from './rate-limit.ts';

/**
 * NIST SP 800-63B-4 section 3.2.2: at most 100 failures in a row for an account. Half of them are for devices on which
 * its user has signed in, so that nobody else can use those up.
 */
const mostInARow = 50;

/** How long to wait once too many were wrong, doubled with each that follows; of the same section. */
const wait = { firstMs: 30_000, longestMs: 3_600_000 };

const quarterMs = 15 * 60_000;

/** Long enough for "in a row", and not for ever: an address that nobody has is counted too. */
const streakMs = 365 * 86_400_000;

/** Whose password is given, and where. */
export type Attempt = {
  /** The address of the account, in whatever case. Whether anybody has it makes no difference. */
  email: string;
  device: Device;
  /** Whether the user is known to have signed in there. What strangers do is then no hindrance. */
  isKnownDevice: boolean;
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
  attempt: Attempt,
  policy: AttemptPolicy,
  now: Date,
  check: (succeed: Succeed) => Promise<T>,
): Promise<T> {
  const limits = limitsOf(attempt, policy);
  await requireNotReached(database, [limits.inARow, limits.pause, ...limits.others], now);
  const isPaused = await count(database, limits, policy, now);
  let isForgotten = false;
  async function succeed(db: Db): Promise<void> {
    await forgetFailures(db, attempt.email);
    await uncount(db, limits.others);
    isForgotten = true;
  }
  try {
    const result = await check(succeed);
    if (!isForgotten) await retryConflicts(() => succeed(database));
    return result;
  } catch (error) {
    if (!(error instanceof InvalidCredentialsError)) await retryConflicts(() => undo(database, limits, isPaused));
    throw error;
  }
}

/** Lets somebody try again at once, whose password was proved, or replaced by whoever has the address. */
export async function forgetFailures(db: Db, email: string): Promise<void> {
  const keys = [true, false].flatMap((isKnownDevice) => {
    const { inARow, pause } = accountLimits(email, isKnownDevice);
    return [inARow.key, pause.key];
  });
  await db.rateLimit.deleteMany({ where: { key: { in: keys } } });
}

/**
 * Counts something that may be done so often from one address, whatever becomes of it. An address that is not known is
 * not counted.
 *
 * @throws RateLimitedError if it is too often.
 */
export async function requireAttemptFrom(
  db: Db,
  kind: string,
  { ipAddress }: Device,
  limit: { points: number; durationMs: number },
  now: Date,
): Promise<void> {
  if (ipAddress === null) return;
  const limitOfAddress = addressLimit(kind, ipAddress, limit);
  await requireNotReached(db, [limitOfAddress], now);
  await countOnce(db, [limitOfAddress], now);
}

/**
 * The same where a refusal does not belong into the result.
 *
 * @throws RequestError if it is too often.
 */
export async function requireRequestFrom(
  db: Db,
  kind: string,
  device: Device,
  perQuarter: number,
  now: Date,
): Promise<void> {
  try {
    await requireAttemptFrom(db, kind, device, { points: perQuarter, durationMs: quarterMs }, now);
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    throw new RequestError('RATE_LIMITED', error.message, error.retryAfterSeconds);
  }
}

/** How many links a mailbox gets in an hour, however many ask for them. */
const mailsPerHour = 5;

/** Whether one more link of this kind may be mailed to an address: nobody fills somebody else's mailbox. Counts it. */
export async function mayBeMailed(db: Db, kind: MailName, email: string, now: Date): Promise<boolean> {
  const limit = {
    key: `${kind}:${hash('sha256', email.toLowerCase())}`,
    points: mailsPerHour,
    durationMs: 4 * quarterMs,
  };
  try {
    await requireNotReached(db, [limit], now);
    await countOnce(db, [limit], now);
    return true;
  } catch (error) {
    if (error instanceof RateLimitedError) return false;
    throw error;
  }
}

type Limits = {
  inARow: RateLimit;
  /** Is there as long as one has to wait. */
  pause: RateLimit;
  others: RateLimit[];
};

function limitsOf({ email, device, isKnownDevice }: Attempt, { perAddress }: AttemptPolicy): Limits {
  const { ipAddress } = device;
  const isCounted = !isKnownDevice && ipAddress !== null;
  const others = isCounted ? [addressLimit('passwords', ipAddress, { points: perAddress, durationMs: quarterMs })] : [];
  return { ...accountLimits(email, isKnownDevice), others };
}

function accountLimits(email: string, isKnownDevice: boolean): Pick<Limits, 'inARow' | 'pause'> {
  const lane = `${isKnownDevice ? 'known-device' : 'account'}:${hash('sha256', email.toLowerCase())}`;
  return {
    inARow: { key: `${lane}:in-a-row`, points: mostInARow, durationMs: streakMs },
    pause: { key: `${lane}:pause`, points: 1, durationMs: wait.firstMs },
  };
}

function addressLimit(kind: string, ipAddress: string, limit: { points: number; durationMs: number }): RateLimit {
  return { key: `${kind}:${hash('sha256', networkOf(ipAddress))}`, ...limit };
}

/**
 * Counts an attempt by one statement, which gives each a number of its own, and returns whether the next one has to
 * wait. From a number on, one at a time takes the pause; the others are refused, and were none.
 *
 * @throws RateLimitedError
 */
async function count(
  db: Db,
  { inARow, pause, others }: Limits,
  { perAccount }: AttemptPolicy,
  now: Date,
): Promise<boolean> {
  try {
    const [times = 0] = await countOnce(db, [inARow, ...others], now);
    const surplus = times - perAccount;
    if (surplus < 0) return false;
    const durationMs = Math.min(wait.firstMs * 2 ** surplus, wait.longestMs);
    await countOnce(db, [{ ...pause, durationMs }], now);
    return true;
  } catch (error) {
    if (error instanceof RateLimitedError) await retryConflicts(() => uncount(db, [inARow, ...others]));
    throw error;
  }
}

/** Takes back what `count` did. */
async function undo(db: Db, { inARow, pause, others }: Limits, isPaused: boolean): Promise<void> {
  await uncount(db, [inARow, ...others]);
  if (isPaused) await db.rateLimit.deleteMany({ where: { key: pause.key } });
}

async function uncount(db: Db, limits: RateLimit[]): Promise<void> {
  if (limits.length === 0) return;
  const keys = limits.map(({ key }) => key);
  await db.rateLimit.updateMany({
    where: { key: { in: keys }, points: { gt: 0 } },
    data: { points: { decrement: 1 } },
  });
}
