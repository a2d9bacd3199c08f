/**
 * Trusted devices: devices on which a user has signed in ("device cookies", OWASP, Slow Down Online Guessing Attacks
 * with Device Cookies). A device token opens nothing. It only keeps the failed attempts of strangers, who could
 * otherwise lock a user out for as long as they continue, from counting against the device.
 */
import type { Database, Db } from '../database/database.ts';
import type { Trust } from '../passwords/hashing-queue.ts';
import type { Scope } from '../scope.ts';
import { accountKeyOf } from '../users/email.ts';
import { equalSecrets, handleOf, hashToken } from './token.ts';
import { createUserToken } from './user-token.ts';

/** The maximum lifetime of a cookie in browsers (RFC 6265bis section 5.5). */
export const deviceLifetimeMs = 400 * 86_400_000;

/** More than the devices of a user, together with clients that never present their token. */
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

/** Returns the trust of a request for the hashing queue, or null for a request without a device token. */
export function trustOfDevice(db: Db, scope: Scope, accountKey: string): Trust | null {
  if (scope.deviceToken === null) return null;
  return { account: accountKey, isTrusted: () => isTrustedDevice(db, scope, accountKey) };
}

/**
 * Makes room for one more trusted device of a user, by deleting the oldest. Runs before the transaction that trusts the
 * new one: a few more for a moment make no difference.
 */
export async function makeRoomForDevice(database: Database, userId: bigint): Promise<void> {
  const ids = await database.$findTokenIds(userId, 'KNOWN_DEVICE');
  // Sorted here: PostgreSQL might read the tokens of all users to return them in order.
  const surplus = ids.sort((one, other) => (one < other ? 1 : -1)).slice(maxPerUser - 1);
  if (surplus.length > 0) await database.userToken.deleteMany({ where: { id: { in: surplus } } });
}

/** Trusts a device, and returns its device token. */
export function trustDevice(db: Db, userId: bigint, now: Date): Promise<string> {
  const expiresAt = new Date(now.getTime() + deviceLifetimeMs);
  return createUserToken(db, { purpose: 'KNOWN_DEVICE', userId, sentTo: null, data: null, expiresAt });
}

/** Revokes all trusted devices of a user except the one with this device token. */
export async function revokeOtherTrustedDevices(db: Db, userId: bigint, secret: string | null): Promise<void> {
  const handle = (secret && handleOf(secret)) ?? '';
  await db.userToken.deleteMany({ where: { userId, purpose: 'KNOWN_DEVICE', handle: { not: handle } } });
}
