/**
 * Changes of an account that a mailed link can undo. Each keeps the state from before the change. They form a stack per
 * account: undoing one also undoes all later ones, whose links become void, and the links of earlier ones stay valid.
 * So the first change of a thief can be undone, with any number of changes and undos by the thief after it.
 */
import type { Db } from '../database/database.ts';
import { EmailTakenError, InvalidCredentialsError } from '../errors.ts';
import type { AccountChange, User } from '../generated/sqlite/client.ts';
import { accountKeyOf } from './email.ts';

export type { AccountChange };

/** The types of changes of the factors beside the password: those of the events that record them. */
export type FactorChangeType =
  | 'FACTOR_ADDED'
  | 'FACTOR_REPLACED'
  | 'FACTOR_REMOVED'
  | 'SECOND_FACTOR_TURNED_ON'
  | 'SECOND_FACTOR_TURNED_OFF';

/** The types of these changes: those of the events that record them. */
export type AccountChangeType =
  | 'EMAIL_CHANGED'
  | 'PASSWORD_CHANGED'
  | 'PASSWORD_RESET'
  | 'FACTORS_RESET'
  | FactorChangeType;

const passwordTypes: AccountChangeType[] = ['PASSWORD_CHANGED', 'PASSWORD_RESET'];

/** The time for which a change can be undone, in milliseconds, counted from the change. */
export const undoWindowMs = 72 * 3_600_000;

const liveAt = (now: Date) => ({ expiresAt: { gt: now }, undoneAt: null });

/**
 * Keeps the state of a locked user before a change, in the transaction of the change. Returns null, and keeps nothing,
 * for a change of an address that was never proved: it may belong to a stranger, to whom a link would give the account.
 *
 * A password that was set less than 72 hours ago is not kept. It may be the thief's, and the one before it may be known
 * to the thief, so that neither is restored with a link of this change.
 *
 * @param change.factors - the factors before the change, in their stored form
 */
export async function keepChange(
  db: Db,
  before: User,
  { type, factors }: { type: AccountChangeType; factors: string },
  now: Date,
): Promise<AccountChange | null> {
  const { id: userId, email, emailVerifiedAt, hashedPassword } = before;
  if (type === 'EMAIL_CHANGED' && emailVerifiedAt === null) return null;
  const isPassword = { type: { in: passwordTypes } };
  const recent = await db.accountChange.findFirst({ where: { userId, ...isPassword, ...liveAt(now) } });
  return db.accountChange.create({
    data: {
      createdAt: now,
      expiresAt: new Date(now.getTime() + undoWindowMs),
      type,
      userId,
      email,
      addressKey: accountKeyOf(email),
      emailVerifiedAt,
      hashedPassword: recent ? null : hashedPassword,
      factors,
    },
  });
}

/** Returns the change with this id if it can be undone, or null. */
export function findChange(db: Db, id: bigint, now: Date): Promise<AccountChange | null> {
  return db.accountChange.findFirst({ where: { id, ...liveAt(now) } });
}

/** Returns the changes of a user after this one, in their order: undoing this one undoes them too. */
export function listLaterChanges(db: Db, { id, userId }: AccountChange): Promise<AccountChange[]> {
  return db.accountChange.findMany({ where: { userId, id: { gt: id } }, orderBy: { id: 'asc' } });
}

/**
 * Marks a change of a locked user as undone, and deletes all later ones. Their tokens stay, and lead to no change.
 * Returns the types of all of them, each once. The mark stays for 72 hours: see `requireUnrestored`.
 */
export async function takeBackChanges(db: Db, { id, userId }: AccountChange, now: Date): Promise<string[]> {
  const where = { userId, id: { gte: id }, undoneAt: null };
  const types = await db.accountChange.groupBy({ by: ['type'], where });
  await db.accountChange.deleteMany({ where: { userId, id: { gt: id } } });
  const expiresAt = new Date(now.getTime() + undoWindowMs);
  await db.accountChange.update({ where: { id }, data: { undoneAt: now, expiresAt } });
  return types.map(({ type }) => type).sort();
}

/** Deletes the changes of a user, so that no link undoes them. */
export async function forgetChanges(db: Db, userId: bigint): Promise<void> {
  await db.accountChange.deleteMany({ where: { userId } });
}

/**
 * Deletes the changes of a user from while nobody had proved the address, which may be those of a stranger, and the mark
 * of an undo. Links to an address that was proved stay: an operator has changed it since, and told its owner.
 */
export async function forgetUnprovedChanges(db: Db, userId: bigint): Promise<void> {
  const isUndone = { undoneAt: { not: null } };
  await db.accountChange.deleteMany({ where: { userId, OR: [{ emailVerifiedAt: null }, isUndone] } });
}

/** Deletes the passwords from before the changes of a user. Links restore no password then. */
export async function forgetPasswords(db: Db, userId: bigint): Promise<void> {
  await db.accountChange.updateMany({ where: { userId }, data: { hashedPassword: null } });
}

/** Lets the password of a user make changes again after an undo: the user has chosen it by a mailed link. */
export async function endRestoration(db: Db, userId: bigint): Promise<void> {
  await db.accountChange.deleteMany({ where: { userId, undoneAt: { not: null } } });
}

/**
 * Requires that no link has restored the password of a user. The thief gave it to make the undone change, and could
 * make the change once more, faster than the owner chooses a new password.
 *
 * @throws InvalidCredentialsError for 72 hours after an undo, until the user has chosen a password by a mailed link.
 */
export async function requireUnrestored(db: Db, userId: bigint, now: Date): Promise<void> {
  const where = { userId, undoneAt: { not: null }, expiresAt: { gt: now } };
  if ((await db.accountChange.findFirst({ where, select: { id: true } })) === null) return;
  throw new InvalidCredentialsError(
    'A link has undone changes of this account, and another person may know the restored password. Choose a new one by ' +
      'mail first: requestPasswordReset.',
  );
}

/**
 * Refuses an address to which a link can give another account back: a thief could otherwise take it for an account of
 * their own, and so stop the owner. Call it after `requireFreeAddress`, in the same transaction.
 *
 * @throws EmailTakenError
 */
export async function requireUnreserved(db: Db, email: string, ownerId: bigint, now: Date): Promise<void> {
  const isProved = { emailVerifiedAt: { not: null } };
  const where = { addressKey: accountKeyOf(email), userId: { not: ownerId }, ...isProved, ...liveAt(now) };
  if ((await db.accountChange.findFirst({ where, select: { id: true } })) !== null) throw new EmailTakenError();
}
