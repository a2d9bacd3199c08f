import type { Db } from '../database/database.ts';
import { updateRows } from '../database/hot/change-rows.ts';
import { PasswordChangedError, UserNotFoundError } from '../errors.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import type { User } from './user.ts';

/**
 * Verifies that a user still has the password that was checked, and locks the row until the transaction ends. The lock
 * is a write of the existing hash or of a new hash of the same password. Other transactions of the user come before or
 * after this one, and not in its middle. Returns the current user.
 *
 * @throws PasswordChangedError if the user or that password is gone.
 */
export async function lockUserWithPassword(
  db: Db,
  { id, hashedPassword }: User,
  rehashed: string | null = null,
): Promise<User> {
  // Nothing equals NULL: an account without a password has none that was verified.
  const where = Prisma.sql`s."id" = ${id} AND s."hashedPassword" = ${hashedPassword}`;
  const set = { hashedPassword: rehashed ?? hashedPassword };
  const [locked] = await updateRows(db, 'User', { set, where, isPrepared: true });
  if (!locked) throw new PasswordChangedError();
  return locked;
}

/**
 * Locks the row of a user until the transaction ends, by a write that changes nothing, and returns the user.
 *
 * @throws UserNotFoundError
 */
export async function lockUser(db: Db, id: bigint): Promise<User> {
  const user = await findAndLockUser(db, id);
  if (!user) throw new UserNotFoundError();
  return user;
}

/** Locks the row of a user, as `lockUser` does. Returns null if there is no such user. */
export async function findAndLockUser(db: Db, id: bigint): Promise<User | null> {
  const [user] = await db.user.updateManyAndReturn({ where: { id }, data: { id } });
  return user ?? null;
}
