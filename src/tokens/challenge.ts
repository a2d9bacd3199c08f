/**
 * Challenges: authentications that a client has begun. The client keeps the secret, and presents it with its answer.
 * Each works once, and only on the device that began it.
 */
import type { Database, Db } from '../database/database.ts';
import { ChallengeInvalidError, isWrongProof } from '../errors.ts';
import type { Challenge, User } from '../generated/sqlite/client.ts';
import type { Scope, Transport } from '../scope.ts';
import { createToken, equalSecrets, handleOf, hashToken } from './token.ts';

/** The number of wrong answers after which a challenge is used up. */
const maxFailures = 10;

/** The operations that a challenge may be for. */
export type ChallengePurpose =
  | 'SIGN_IN'
  | 'AUTHENTICATOR_APP'
  | 'PASSKEY_REGISTRATION'
  | 'PASSKEY_LOGIN'
  | 'REAUTHENTICATION'
  | 'EMAIL_SIGN_IN';

export type FoundChallenge = Challenge & { user: User | null };

export type NewChallenge = {
  purpose: ChallengePurpose;
  /** Null if the operation begins without a known user. */
  userId: bigint | null;
  lifetimeMs: number;
  /** The input of the operation, as JSON. Null if the purpose is enough. */
  data: string | null;
  /** How the client keeps its tokens. A client with cookies is told apart by the cookie of its device. */
  transport: Transport;
};

/** A challenge that was created. The secrets exist only here and at the client. */
export type CreatedChallenge = {
  challenge: string;
  expiresAt: Date;
  /** The device token that the client must present with its answer. Null if it has one, or keeps no cookies. */
  deviceToken: string | null;
};

/**
 * Creates a challenge that only the device of the request can answer. A client with cookies gets a device token, if it
 * has none. A client without cookies is bound by the secret, and by its device token if it sends one.
 */
export async function createChallenge(
  db: Db,
  { deviceToken, now }: Pick<Scope, 'deviceToken' | 'now'>,
  { purpose, userId, lifetimeMs, data, transport }: NewChallenge,
): Promise<CreatedChallenge> {
  const { token, handle, hashedToken } = createToken();
  const newDevice = deviceToken === null && transport === 'COOKIE' ? createToken().token : null;
  const device = deviceToken ?? newDevice;
  const hashedDevice = device === null ? null : hashToken(device);
  const expiresAt = new Date(now.getTime() + lifetimeMs);
  const row = { createdAt: now, expiresAt, purpose, userId, data, handle, hashedToken, hashedDevice };
  await db.challenge.create({ data: row });
  return { challenge: token, expiresAt, deviceToken: newDevice };
}

/**
 * Returns the challenge with this secret and purpose. Does not use it up.
 *
 * @throws ChallengeInvalidError for an unknown, used or expired one, for one with too many wrong answers, and for one
 *   that another device began.
 */
export async function findChallenge(
  db: Db,
  { deviceToken, now }: Pick<Scope, 'deviceToken' | 'now'>,
  purpose: ChallengePurpose,
  secret: string,
): Promise<FoundChallenge> {
  const handle = handleOf(secret);
  const found = handle === null ? null : await db.challenge.findUnique({ where: { handle }, include: { user: true } });
  if (found?.purpose !== purpose || !equalSecrets(hashToken(secret), found.hashedToken)) {
    throw new ChallengeInvalidError('UNKNOWN');
  }
  if (found.usedAt !== null) throw new ChallengeInvalidError('USED');
  if (found.expiresAt <= now) throw new ChallengeInvalidError('EXPIRED');
  const isDevice = found.hashedDevice === null || equalSecrets(hashToken(deviceToken ?? ''), found.hashedDevice);
  if (!isDevice) throw new ChallengeInvalidError('OTHER_DEVICE');
  if (found.failures >= maxFailures) throw new ChallengeInvalidError('TOO_MANY_FAILURES');
  return found;
}

/**
 * Runs the check of an answer to a challenge, unless too many answers were wrong. Counts the answer before the check, so
 * that many at once get no more checks than one after another. A check that throws a wrong proof (`isWrongProof`) stays
 * counted; any other error says nothing about the answer.
 *
 * @param max - the number of wrong answers after which no other is checked
 * @throws ChallengeInvalidError
 */
export async function withAnswer<T>(
  database: Database,
  { id }: Challenge,
  check: () => Promise<T>,
  max: number = maxFailures,
): Promise<T> {
  const where = { id, failures: { lt: max } };
  const { count } = await database.challenge.updateMany({ where, data: { failures: { increment: 1 } } });
  if (count === 0) throw new ChallengeInvalidError('TOO_MANY_FAILURES');
  try {
    return await check();
  } catch (error) {
    if (!isWrongProof(error)) {
      await database.challenge.updateMany({ where: { id }, data: { failures: { decrement: 1 } } });
    }
    throw error;
  }
}

/** Returns the challenge with this handle, for a caller who has proved more than its secret. Null if it is void. */
export function findOpenChallenge(db: Db, handle: string, now: Date): Promise<Challenge | null> {
  return db.challenge.findFirst({ where: { handle, usedAt: null, expiresAt: { gt: now } } });
}

/** Uses a challenge up. @throws ChallengeInvalidError if another request was faster. */
export async function redeemChallenge(db: Db, { id }: Challenge, now: Date): Promise<void> {
  const { count } = await db.challenge.updateMany({
    where: { id, usedAt: null, expiresAt: { gt: now } },
    data: { usedAt: now, data: null },
  });
  if (count === 0) throw new ChallengeInvalidError('USED');
}

/** Voids the unused challenges of a user for these purposes. By default all: nothing that has begun can be finished. */
export async function voidChallenges(db: Db, userId: bigint, purposes?: ChallengePurpose[]): Promise<void> {
  await db.challenge.deleteMany({ where: { userId, usedAt: null, ...(purposes && { purpose: { in: purposes } }) } });
}

/** Voids the unused challenges of a user for a purpose but the newest ones. @param of.keep - how many of these stay */
export async function voidOldChallenges(
  db: Db,
  { userId, purpose, keep }: { userId: bigint; purpose: ChallengePurpose; keep: number },
): Promise<void> {
  const where = { userId, purpose, usedAt: null };
  const old = await db.challenge.findMany({ where, orderBy: { id: 'desc' }, skip: keep, select: { id: true } });
  if (old.length > 0) await db.challenge.deleteMany({ where: { id: { in: old.map(({ id }) => id) } } });
}
