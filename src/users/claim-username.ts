import { hash } from 'node:crypto';
import type { UsernamePolicy } from '../config/accounts/usernames.ts';
import type { Database, Db } from '../database/database.ts';
import { UsernameTakenError } from '../errors.ts';
import type { User } from '../generated/sqlite/client.ts';
import { isTaken } from './user.ts';
import { isReserved, type Username } from './username.ts';

/** The time for which a username that was given up stays reserved for its former user, in milliseconds. */
export const reservationMs = 30 * 86_400_000;

/** The parts of a user that the functions of this file need. */
type Owner = Pick<User, 'id' | 'usernameKey'>;

export type ClaimRules = { policy: UsernamePolicy; now: Date };

/**
 * Gives a locked or new user a username, or takes it away with null, and returns the user. The name before stays
 * reserved for them: nobody else can pass for them at once.
 *
 * @throws UsernameTakenError if another user has the name or one that looks like it, if it is reserved, and if another
 *   user gave it up less than 30 days ago.
 */
export async function claimUsername(
  db: Db,
  before: Owner,
  username: Username | null,
  { policy, now }: ClaimRules,
): Promise<User> {
  const { id } = before;
  if (username !== null && isReserved(username, policy)) throw new UsernameTakenError();
  const user = await setUsername(db, id, username);
  if (username !== null) {
    // After the write, which waits for the transaction of a user who gives the name up.
    if (await isKeptForAnother(db, username, id, now)) throw new UsernameTakenError();
    await db.formerUsername.deleteMany({ where: { hashedKey: hashKey(username.key) } });
  }
  if (before.usernameKey !== user.usernameKey) await keepUsername(db, before, now);
  return user;
}

async function setUsername(db: Db, id: bigint, username: Username | null): Promise<User> {
  try {
    const data = { username: username?.name ?? null, usernameKey: username?.key ?? null };
    return await db.user.update({ where: { id }, data });
  } catch (error) {
    throw isTaken(error) ? new UsernameTakenError() : error;
  }
}

/** Reserves the username of a user who gives it up, or who is deleted, for 30 days. Does nothing without one. */
export async function keepUsername(db: Db, { id, usernameKey }: Owner, now: Date): Promise<void> {
  if (usernameKey === null) return;
  const kept = { userId: id, expiresAt: new Date(now.getTime() + reservationMs) };
  const hashedKey = hashKey(usernameKey);
  await db.formerUsername.upsert({ where: { hashedKey }, create: { hashedKey, ...kept }, update: kept });
}

/**
 * Requires that a visitor could get a username. Spares the work of a sign-up that would fail: only `claimUsername` is
 * exact.
 *
 * @throws UsernameTakenError
 */
export async function requireFreeUsername(
  database: Database,
  username: Username,
  { policy, now }: ClaimRules,
): Promise<void> {
  const { key } = username;
  const isFree =
    !isReserved(username, policy) &&
    (await database.$findUserByUsername(key)) === null &&
    !(await isKeptForAnother(database, username, null, now));
  if (!isFree) throw new UsernameTakenError();
}

/** @param id - the user who wants the name. Null for a visitor. */
async function isKeptForAnother(db: Db, { key }: Username, id: bigint | null, now: Date): Promise<boolean> {
  const kept = await db.formerUsername.findUnique({ where: { hashedKey: hashKey(key) } });
  return kept !== null && kept.expiresAt > now && (kept.userId === null || kept.userId !== id);
}

function hashKey(key: string): string {
  return hash('sha256', key);
}
