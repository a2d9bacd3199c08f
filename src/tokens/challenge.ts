/**
 * Challenges: authentications that a client has begun. The client keeps the secret, and presents it with its answer.
 * Each works once, and only on the device that began it.
 */
import type { Db } from '../database/database.ts';
import { ChallengeInvalidError } from '../errors.ts';
import type { Challenge, User } from '../generated/sqlite/client.ts';
import type { Scope, Transport } from '../scope.ts';
import { createToken, equalSecrets, handleOf, hashToken } from './token.ts';

/** The operations that a challenge may be for. */
export type ChallengePurpose = 'SIGN_IN' | 'AUTHENTICATOR_APP' | 'EMAIL_SIGN_IN';

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
 * @throws ChallengeInvalidError for an unknown, used or expired one, and for one that another device began.
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
  return found;
}

/** Returns the challenge with this handle, for a caller who has proved more than its secret. Null if it is void. */
export function findOpenChallenge(db: Db, handle: string, now: Date): Promise<Challenge | null> {
  return db.challenge.findFirst({ where: { handle, usedAt: null, expiresAt: { gt: now } } });
}

/** Counts a try at a challenge. @throws ChallengeInvalidError if it was used, or had as many tries. */
export async function countTry(db: Db, { id }: Challenge, maxTries: number): Promise<void> {
  const { count } = await db.challenge.updateMany({
    where: { id, usedAt: null, failures: { lt: maxTries } },
    data: { failures: { increment: 1 } },
  });
  if (count === 0) throw new ChallengeInvalidError('USED');
}

/** Uses a challenge up. @throws ChallengeInvalidError if another request was faster. */
export async function redeemChallenge(db: Db, { id }: Challenge, now: Date): Promise<void> {
  const { count } = await db.challenge.updateMany({
    where: { id, usedAt: null, expiresAt: { gt: now } },
    data: { usedAt: now, data: null },
  });
  if (count === 0) throw new ChallengeInvalidError('USED');
}

/** Voids the challenges of a user for these purposes. */
export async function voidChallenges(db: Db, userId: bigint, purposes: ChallengePurpose[]): Promise<void> {
  await db.challenge.deleteMany({ where: { userId, purpose: { in: purposes } } });
}
