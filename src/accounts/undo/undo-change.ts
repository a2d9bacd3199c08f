import type { Config } from '../../config/config.ts';
import type { Database, Db } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { EmailTakenError, TokenInvalidError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { factorsOf, parseFactors, restoreFactors } from '../../factors/changes/kept-factors.ts';
import { changeOf } from '../../mail/link.ts';
import { enqueueMail, voidLinks } from '../../mail/outbox.ts';
import { actingAs, type Scope } from '../../scope.ts';
import { endSessions, sessionsOfUser } from '../../sessions/end.ts';
import type { Session } from '../../sessions/session.ts';
import { resetFailures } from '../../throttle/attempts.ts';
import { voidChallenges } from '../../tokens/challenge.ts';
import { findUserToken, voidUserTokens } from '../../tokens/user-token.ts';
import {
  type AccountChange,
  findChange,
  forgetChanges,
  listLaterChanges,
  takeBackChanges,
} from '../../users/account-changes.ts';
import { findAndLockUser } from '../../users/lock.ts';
import { isTaken, requireFreeAddress, type User } from '../../users/user.ts';
import { provePasswordBefore, requireProofOfUndo, type UndoPolicies } from './undo-proof.ts';

export type UndoInput = {
  /** The token of the link. */
  token: string;
  /** The password from before the change. Null if the user gave none. */
  password: string | null;
  /** True if the factors stay as they are now: the undo needs no password then. */
  keepsFactors: boolean;
};

export type UndoneChange = {
  /** The user with the restored address, password and factors. */
  user: User;
  /** The sessions that the undo ended. */
  sessions: Session[];
};

/**
 * Undoes a change of an account, and all later ones, by the link that was mailed to the address from before it. Gives
 * the account that address back, the factors, and the password from before, unless it is not kept or the user is an
 * administrator: a thief who knows it could do more than `requireUnrestored` refuses. Ends all sessions, also earlier
 * ones: the thief may have made the change in a session that they stole before. Voids all other links to the account,
 * its trusted devices, and all authentications that have begun. Mails both addresses. Signs nobody in.
 *
 * A suspension and roles stay as they are. `users/account-changes.ts` has the order of several links, and
 * `requireProofOfUndo` says when the password is needed.
 *
 * @throws TokenInvalidError
 * @throws InvalidCredentialsError without the password from before, where it is needed. The link stays valid then.
 * @throws RateLimitedError after too many wrong passwords.
 * @throws EmailTakenError if another account has the address, such as an imported one. Nothing is undone, and the link
 *   stays valid.
 */
export async function undoChange(
  database: Database,
  scope: Scope,
  { token: secret, password, keepsFactors }: UndoInput,
  policies: UndoPolicies & Pick<Config, 'adminRoles'>,
): Promise<UndoneChange> {
  const { now } = scope;
  const token = await findUserToken(database, 'UNDO_CHANGE', secret, now);
  const { userId = null, data = null } = token ?? {};
  const kept = userId === null ? null : await findChange(database, changeOf(data), now);
  if (userId === null || kept === null) throw new TokenInvalidError();
  const isProved = password !== null && !keepsFactors;
  const proven = isProved ? await provePasswordBefore(database, scope, { kept, password }, policies) : null;
  try {
    return await inTransaction(database, async (db) => {
      const current = await findAndLockUser(db, userId);
      // Read after the lock: of several links at once, the others see that the change is undone.
      const change = await findChange(db, kept.id, now);
      if (!current || !change || !mayRestore(change, current)) throw new TokenInvalidError();
      if (!keepsFactors) await requireProofOfUndo(db, { current, change, proven }, policies);
      const isAdmin = policies.adminRoles.includes(current.role);
      const restored = {
        ...change,
        ...(isAdmin && { hashedPassword: null }),
        ...(keepsFactors && { factors: null }),
      };
      return restore(db, actingAs(scope, current), current, restored);
    });
  } catch (error) {
    throw isTaken(error) ? new EmailTakenError() : error;
  }
}

/** Voids the links that undo or refuse changes of a user. Mails of changes that are sent later have none. */
export async function voidUndoLinks(db: Db, userId: bigint): Promise<void> {
  await forgetChanges(db, userId);
  await voidUserTokens(db, userId, ['UNDO_CHANGE', 'REFUSE_FACTOR_RESET']);
}

/**
 * An address that was not proved then may belong to a stranger, to whom an undo would give the account, also if its owner
 * has proved it since.
 */
function mayRestore({ email, emailVerifiedAt }: AccountChange, current: User): boolean {
  return emailVerifiedAt !== null || (email === current.email && current.emailVerifiedAt === null);
}

async function restore(db: Db, scope: Scope, current: User, change: AccountChange): Promise<UndoneChange> {
  const { now } = scope;
  const { id } = current;
  const { email, emailVerifiedAt, hashedPassword } = change;
  // Before the address changes, as that locks out a mail that is being sent, for which this waits.
  await voidLinks(db, id, ['RESET_PASSWORD', 'CHANGE_EMAIL', 'VERIFY_EMAIL', 'KNOWN_DEVICE']);
  await voidChallenges(db, id);
  await restoreFactorsOf(db, current, change);
  const types = await takeBackChanges(db, change, now);
  await requireFreeAddress(db, email, id);
  const user = await db.user.update({ where: { id }, data: { email, emailVerifiedAt, hashedPassword } });
  await resetFailures(db, email);
  await recordEvent(db, scope, { type: 'CHANGE_UNDONE', userId: id, detail: types.join(' ') });
  const sessions = await endSessions(db, scope, sessionsOfUser(id), 'CHANGE_UNDONE');
  const data = {
    ...(hashedPassword !== null && { hasPassword: 'yes' }),
    ...(user.secondFactorSince !== null && { hasSecondFactor: 'yes' }),
  };
  await enqueueMail(db, { name: 'change-undone', recipient: email, userId: id, data }, now);
  if (current.email !== email) {
    await enqueueMail(db, { name: 'address-taken-back', recipient: current.email, userId: id }, now);
  }
  return { user, sessions };
}

/** Restores the factors from before a change, if they are kept. */
async function restoreFactorsOf(db: Db, current: User, change: AccountChange): Promise<void> {
  const factors = parseFactors(change.factors);
  if (factors === null) return;
  const changes = await listLaterChanges(db, change);
  const later = changes.flatMap((one) => parseFactors(one.factors) ?? []);
  await restoreFactors(db, current.id, factors, [...later, await factorsOf(db, current)]);
}
