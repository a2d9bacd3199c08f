/**
 * Devices on which a user has signed in ("device cookies" in OWASP's words, Slow Down Online Guessing Attacks with
 * Device Cookies). What such a device has in hand opens nothing: it only keeps the wrong guesses of strangers, who
 * could lock a user out for as long as they go on, from being held against it.
 */
import type { Database, Db } from '../database/database.ts';
import type { Trust } from '../passwords/hashing-queue.ts';
import type { Scope } from '../scope.ts';
import { accountKeyOf } from '../users/email.ts';
import { equalSecrets, handleOf, hashToken } from './token.ts';
import { createUserToken } from './user-token.ts';

/** The longest that browsers keep a cookie (RFC 6265bis section 5.5). */
export const deviceLifetimeMs = 400 * 86_400_000;

/** More than people have devices, and clients that never say which one they are. */
const maxPerUser = 50;

/** Returns whether a request has the device token of a device on which the user of this account has signed in. */
export async function isTrustedDevice(db: Db, { deviceToken, now }: Scope, accountKey: string): Promise<boolean> {
  const handle = deviceToken && handleOf(deviceToken);
  if (!handle) return false;
  const token = await db.userToken.findFirst({
    where: { handle, purpose: 'KNOWN_DEVICE', expiresAt: { gt: now } },
    include: { user: true },
  });
  if (!token?.user || accountKeyOf(token.user.email) !== accountKey) return false;
  return equalSecrets(hashToken(deviceToken), token.hashedToken);
}

/** Returns what tells the queue for hashing that a known device asks, or null where the request names none. */
export function trustOfDevice(db: Db, scope: Scope, accountKey: string): Trust | null {
  if (scope.deviceToken === null) return null;
  return { account: accountKey, isTrusted: () => isTrustedDevice(db, scope, accountKey) };
}

/**
 * Makes room for one more device of a user, by forgetting those that were made known first. Not in the transaction that
 * makes it known: whether there are some more for a moment makes no difference.
 */
export async function makeRoomForDevice(database: Database, userId: number): Promise<void> {
  const ids = await database.$findTokenIds(userId, 'KNOWN_DEVICE');
  // Put into order here: for PostgreSQL the order could be a reason to read the tokens of everybody.
  const surplus = ids.sort((one, other) => other - one).slice(maxPerUser - 1);
  if (surplus.length > 0) await database.userToken.deleteMany({ where: { id: { in: surplus } } });
}

/** Makes a device known, and returns the secret that it is known by. */
export function trustDevice(db: Db, userId: number, now: Date): Promise<string> {
  const expiresAt = new Date(now.getTime() + deviceLifetimeMs);
  return createUserToken(db, { purpose: 'KNOWN_DEVICE', userId, sentTo: null, data: null, expiresAt });
}

/** Makes all devices of a user unknown, but that which has this secret. */
export async function revokeOtherTrustedDevices(db: Db, userId: number, secret: string | null): Promise<void> {
  const handle = (secret && handleOf(secret)) ?? '';
  await db.userToken.deleteMany({ where: { userId, purpose: 'KNOWN_DEVICE', handle: { not: handle } } });
}
