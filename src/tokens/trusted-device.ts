/**
 * Trusted devices: devices on which a user has signed in ("device cookies", OWASP, Slow Down Online Guessing Attacks
 * with Device Cookies). A device token opens nothing. It only keeps the failed attempts of strangers, who could
 * otherwise lock a user out for as long as they continue, from counting against the device.
 */
import type { Database, Db } from '../database/database.ts';
import { run } from '../database/raw-sql.ts';
import { Prisma, type User, type UserToken } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import type { Trust } from '../passwords/hashing-queue.ts';
import type { Scope } from '../scope.ts';
import { accountKeyOf } from '../users/email.ts';
import { equalSecrets, handleOf, hashToken, type NewToken } from './token.ts';
import { createUserToken } from './user-token.ts';

/** The maximum lifetime of a cookie in browsers (RFC 6265bis section 5.5). */
export const deviceLifetimeMs = 400 * 86_400_000;

/** More than the devices of a user, together with clients that never present their token. */
export const maxDevicesPerUser = 50;

/** The row of a trusted device. */
export type TrustedDevice = UserToken;

/** The last sign-in on a trusted device. It has no address and no user agent, because the row stays for 400 days. */
export type DeviceUse = {
  at: Date;
  /** The name of the client, for people. Null if it is unknown. */
  clientName: string | null;
  /** The time until which sign-ins on the device need no second factor. Null if they need it. */
  noSecondFactorUntil: Date | null;
};

/** The time for which a device may skip the second factor, in milliseconds. */
export const skipMs = 30 * 86_400_000;

/** Returns the trusted device of a request, on which the user of this account has signed in. Null if it is none. */
export async function findTrustedDevice(
  db: Db,
  { deviceToken, now }: Scope,
  accountKey: string,
): Promise<TrustedDevice | null> {
  const handle = deviceToken && handleOf(deviceToken);
  if (!handle) return null;
  const token = await db.userToken.findFirst({
    where: { handle, purpose: 'KNOWN_DEVICE', expiresAt: { gt: now } },
    include: { user: true },
  });
  if (!token?.user || accountKeyOf(token.user.email) !== accountKey) return null;
  return equalSecrets(hashToken(deviceToken), token.hashedToken) ? token : null;
}

/** Returns whether a request comes from a trusted device, as `findTrustedDevice` does. */
export async function isTrustedDevice(db: Db, scope: Scope, accountKey: string): Promise<boolean> {
  return (await findTrustedDevice(db, scope, accountKey)) !== null;
}

/** Returns the trust of a request for the hashing queue, or null for a request without a device token. */
export function trustOfDevice(db: Db, scope: Scope, accountKey: string): Trust | null {
  if (scope.deviceToken === null) return null;
  return { account: accountKey, isTrusted: () => isTrustedDevice(db, scope, accountKey) };
}

/**
 * Makes room for one more trusted device of a user, by deleting the oldest. Runs before the transaction that trusts the
 * new one: a few more for a moment make no difference. Returns whether there were any.
 */
export async function makeRoomForDevice(database: Database, userId: bigint): Promise<boolean> {
  const ids = await database.$findTokenIds(userId, 'KNOWN_DEVICE');
  // Sorted here: PostgreSQL might read the tokens of all users to return them in order.
  const surplus = ids.sort((one, other) => (one < other ? 1 : -1)).slice(maxDevicesPerUser - 1);
  if (surplus.length > 0) await database.userToken.deleteMany({ where: { id: { in: surplus } } });
  return ids.length > 0;
}

/** Trusts the device that receives this token. */
export async function trustDevice(db: Db, userId: bigint, token: NewToken, use: DeviceUse): Promise<void> {
  const expiresAt = new Date(use.at.getTime() + deviceLifetimeMs);
  const row = { purpose: 'KNOWN_DEVICE', userId, sentTo: null, data: formatUse(use) } as const;
  await createUserToken(db, { ...row, createdAt: use.at, expiresAt }, token);
}

/** Records another sign-in on a trusted device. Does nothing if it was revoked meanwhile. */
export async function recordDeviceUse(db: Db, id: bigint, use: DeviceUse): Promise<void> {
  const update = Prisma.sql`UPDATE "UserToken" SET "data" = ${formatUse(use)} WHERE "id" = ${id}`;
  await run(db, update, { isPrepared: true });
}

function formatUse({ at, clientName, noSecondFactorUntil: until }: DeviceUse): string {
  return JSON.stringify({ usedAt: at.toISOString(), clientName, ...(until && { noSecondFactorUntil: until }) });
}

/** Returns the last sign-in on a trusted device. Null if an earlier version of this server recorded none. */
export function lastUseOf({ data }: TrustedDevice): DeviceUse | null {
  const { usedAt, clientName, noSecondFactorUntil: until } = (data && parseObject(data)) || {};
  if (typeof usedAt !== 'string') return null;
  return {
    at: new Date(usedAt),
    clientName: typeof clientName === 'string' ? clientName : null,
    noSecondFactorUntil: typeof until === 'string' ? new Date(until) : null,
  };
}

/**
 * Returns the device of the request if the user has told it to skip the second factor, at most 30 days ago. Null if not.
 * Reads it in the transaction of the sign-in: a device that was read before may have lost the skip since.
 */
export async function findSkippingDevice(db: Db, scope: Scope, { email }: User): Promise<TrustedDevice | null> {
  const device = await findTrustedDevice(db, scope, accountKeyOf(email));
  const until = device && lastUseOf(device)?.noSecondFactorUntil;
  return until != null && until > scope.now ? device : null;
}

/** Makes all devices of a user ask for the second factor again. They stay trusted. */
export async function endSkips(db: Db, userId: bigint, now: Date): Promise<void> {
  for (const device of await db.userToken.findMany({ where: whereTrusted(userId, now) })) {
    const use = lastUseOf(device);
    if (use?.noSecondFactorUntil) await recordDeviceUse(db, device.id, { ...use, noSecondFactorUntil: null });
  }
}

/** Revokes the trust of a device of a user, and returns whether it was trusted. */
export async function revokeTrust(db: Db, userId: bigint, handle: string): Promise<boolean> {
  const { count } = await db.userToken.deleteMany({ where: { userId, purpose: 'KNOWN_DEVICE', handle } });
  return count > 0;
}

/** Returns whether a request has the device token of this device. */
export function isDeviceOf({ hashedToken }: TrustedDevice, { deviceToken }: Scope): boolean {
  return deviceToken !== null && equalSecrets(hashToken(deviceToken), hashedToken);
}

/** Returns the condition for the trusted devices of a user. */
export function whereTrusted(userId: bigint, now: Date) {
  return { userId, purpose: 'KNOWN_DEVICE', expiresAt: { gt: now } } satisfies Prisma.UserTokenWhereInput;
}

/** Revokes all trusted devices of a user except the one with this device token. */
export async function revokeOtherTrustedDevices(db: Db, userId: bigint, secret: string | null): Promise<void> {
  const handle = (secret && handleOf(secret)) ?? '';
  await db.userToken.deleteMany({ where: { userId, purpose: 'KNOWN_DEVICE', handle: { not: handle } } });
}
