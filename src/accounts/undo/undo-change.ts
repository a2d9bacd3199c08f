import type { Database, Db } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { EmailTakenError, TokenInvalidError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { changeOf } from '../../mail/link.ts';
import { enqueueMail, voidLinks } from '../../mail/outbox.ts';
import { actingAs, type Scope } from '../../scope.ts';
import { endSessions, sessionsOfUser } from '../../sessions/end.ts';
import type { Session } from '../../sessions/session.ts';
import { resetFailures } from '../../throttle/attempts.ts';
import { findUserToken, voidUserTokens } from '../../tokens/user-token.ts';
import { type AccountChange, findChange, forgetChanges, takeBackChanges } from '../../users/account-changes.ts';
import { findAndLockUser } from '../../users/lock.ts';
import { isTaken, requireFreeAddress, type User } from '../../users/user.ts';

export type UndoneChange = {
  /** The user with the restored address and password. */
  user: User;
  /** The sessions that the undo ended. */
  sessions: Session[];
};

/**
 * Undoes a change of an account, and all later ones, by the link that was mailed to the address from before it. Gives
 * the account that address back, and the password from before, unless it is not kept or the user is an administrator:
 * a thief who knows it could do more than `requireUnrestored` refuses. Ends all sessions, also earlier ones: the thief
 * may have made the change in a session that they stole before. Voids all other links to the account and its trusted
 * devices. Mails both addresses. Signs nobody in.
 *
 * A suspension and roles stay as they are. `users/account-changes.ts` has the order of several links.
 *
 * @throws TokenInvalidError
 * @throws EmailTakenError if another account has the address, such as an imported one. Nothing is undone, and the link
 *   stays valid.
 */
export async function undoChange(
  database: Database,
  scope: Scope,
  secret: string,
  adminRoles: readonly string[],
): Promise<UndoneChange> {
  const { now } = scope;
  const token = await findUserToken(database, 'UNDO_CHANGE', secret, now);
  const { userId = null, data = null } = token ?? {};
  if (userId === null) throw new TokenInvalidError();
  try {
    return await inTransaction(database, async (db) => {
      const current = await findAndLockUser(db, userId);
      // Read after the lock: of several links at once, the others see that the change is undone.
      const change = await findChange(db, changeOf(data), now);
      if (!current || !change || !mayRestore(change, current)) throw new TokenInvalidError();
      const isAdmin = adminRoles.includes(current.role);
      const restored = isAdmin ? { ...change, hashedPassword: null } : change;
      return restore(db, actingAs(scope, current), current, restored);
    });
  } catch (error) {
    throw isTaken(error) ? new EmailTakenError() : error;
  }
}

/** Voids the links that undo changes of a user. Mails that are sent later have none. */
export async function voidUndoLinks(db: Db, userId: bigint): Promise<void> {
  await forgetChanges(db, userId);
  await voidUserTokens(db, userId, ['UNDO_CHANGE']);
}

/** An address that was never proved may belong to a stranger, to whom an undo would give the account. */
function mayRestore({ email, emailVerifiedAt }: AccountChange, current: User): boolean {
  return emailVerifiedAt !== null || email === current.email;
}

async function restore(db: Db, scope: Scope, current: User, change: AccountChange): Promise<UndoneChange> {
  const { now } = scope;
  const { id } = current;
  const { email, emailVerifiedAt, hashedPassword } = change;
  // Before the address changes, as that locks out a mail that is being sent, for which this waits.
  await voidLinks(db, id, ['RESET_PASSWORD', 'CHANGE_EMAIL', 'VERIFY_EMAIL', 'KNOWN_DEVICE']);
  const types = await takeBackChanges(db, change, now);
  await requireFreeAddress(db, email, id);
  const user = await db.user.update({ where: { id }, data: { email, emailVerifiedAt, hashedPassword } });
  await resetFailures(db, email);
  await recordEvent(db, scope, { type: 'CHANGE_UNDONE', userId: id, detail: types.join(' ') });
  const sessions = await endSessions(db, scope, sessionsOfUser(id), 'CHANGE_UNDONE');
  const data = hashedPassword === null ? {} : { hasPassword: 'yes' };
  await enqueueMail(db, { name: 'change-undone', recipient: email, userId: id, data }, now);
  if (current.email !== email) {
    await enqueueMail(db, { name: 'address-taken-back', recipient: current.email, userId: id }, now);
  }
  return { user, sessions };
}
