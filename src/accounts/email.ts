import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { EmailTakenError, TokenInvalidError, ValidationError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { keepAccount } from '../factors/changes/keep.ts';
import { enqueueMail, mayBeMailed, voidLinks, withdrawMails } from '../mail/outbox.ts';
import type { Scope, UserScope } from '../scope.ts';
import { resetFailures } from '../throttle/attempts.ts';
import { countOnce, requireNotReached } from '../throttle/rate-limit.ts';
import { requireUnreserved, requireUnrestored } from '../users/account-changes.ts';
import { normalizeEmail } from '../users/email.ts';
import { notAnEmail } from '../users/field-issues.ts';
import { findAndLockUser } from '../users/lock.ts';
import { findUserByEmail, isTaken, noUserId, requireFreeAddress, type User } from '../users/user.ts';
import { type FollowedLink, followLink } from './follow-link.ts';
import { inTransactionOf, type Policies, provePassword } from './prove-password.ts';
import { mailOldAddress } from './undo/notices.ts';

/** Mails a user a link that proves their address, and voids older ones. Does nothing for a proved address. */
export async function requestEmailVerification(database: Database, { session, now }: UserScope): Promise<void> {
  const { user } = session;
  if (user.emailVerifiedAt !== null) return;
  if (!(await mayBeMailed(database, 'verify-email', user.email, now))) return;
  await inTransaction(database, async (db) => {
    await voidLinks(db, user.id, ['VERIFY_EMAIL']);
    await enqueueMail(db, { name: 'verify-email', recipient: user.email, userId: user.id }, now);
  });
}

/**
 * Records that a user has proved their address by a link, in a session of theirs or with their password. Returns the
 * user.
 *
 * @throws TokenInvalidError, InvalidCredentialsError, RateLimitedError as `followLink` does.
 */
export function verifyEmail(database: Database, scope: Scope, link: FollowedLink, policies: Policies): Promise<User> {
  const { now } = scope;
  return followLink(database, scope, { ...link, policies, purpose: 'VERIFY_EMAIL' }, async (db, { userId, sentTo }) => {
    const [user] = await db.user.updateManyAndReturn({
      where: { id: userId ?? noUserId, email: sentTo ?? '' },
      data: { emailVerifiedAt: now },
    });
    if (!user) throw new TokenInvalidError();
    await recordEvent(db, scope, { type: 'EMAIL_VERIFIED', userId: user.id, actorId: user.id });
    return user;
  });
}

/**
 * The requests of a user for another address, for any number of new ones: each is mailed to the present address, which
 * may be that of another person, and to a new one, which may be that of anybody.
 */
const requestLimit = { points: 5, durationMs: 3_600_000 };

/**
 * Mails a link to the new address of a user, and a notice to their present one. If the new address belongs to another
 * user, mails that user instead, and does not tell the caller. Returns the new address.
 *
 * @throws ValidationError for a text that is no address, and for the present address.
 * @throws RateLimitedError after too many wrong passwords, and after five requests in an hour.
 * @throws InvalidCredentialsError for a wrong password.
 */
export async function requestEmailChange(
  database: Database,
  scope: UserScope,
  input: { newEmail: string; password: string },
  policies: Policies,
): Promise<string> {
  const { now } = scope;
  const { user } = scope.session;
  const newEmail = normalizeEmail(input.newEmail);
  if (newEmail === null) throw new ValidationError([{ ...notAnEmail, path: ['newEmail'] }]);
  if (newEmail === user.email) {
    throw new ValidationError([{ path: ['newEmail'], message: 'This is the address of the account already.' }]);
  }
  const proven = await provePassword(database, scope, input.password, policies);
  const limit = { key: `email-changes:${user.id}`, ...requestLimit };
  // Before the mail to the new address is counted: a refused request must not use up the mails of its owner.
  await requireNotReached(database, [limit], now);
  if (!(await mayBeMailed(database, 'confirm-email-change', newEmail, now))) return newEmail;
  const owner = await findUserByEmail(database, newEmail);
  await inTransactionOf(database, proven, async (db) => {
    await requireUnrestored(db, user.id, now);
    await countOnce(db, [limit], now);
    await voidLinks(db, user.id, ['CHANGE_EMAIL']);
    await withdrawMails(db, user.id, ['email-change-requested']);
    // Their own address in another case is theirs to have.
    const toNew =
      owner && owner.id !== user.id
        ? ({ name: 'email-taken', userId: owner.id } as const)
        : ({ name: 'confirm-email-change', userId: user.id } as const);
    await enqueueMail(db, { ...toNew, recipient: newEmail }, now);
    const toOld = { name: 'email-change-requested', recipient: user.email, userId: user.id } as const;
    await enqueueMail(db, { ...toOld, data: { newEmail } }, now);
    await recordEvent(db, scope, { type: 'EMAIL_CHANGE_REQUESTED', userId: user.id });
  });
  return newEmail;
}

/**
 * Gives a user the address that the link was sent to, in a session of theirs or with their password. Mails the old
 * address, and voids links that were sent to it. Returns the changed user.
 *
 * @throws TokenInvalidError, InvalidCredentialsError, RateLimitedError as `followLink` does.
 * @throws EmailTakenError if another user took the address meanwhile.
 */
export async function confirmEmailChange(
  database: Database,
  scope: Scope,
  link: FollowedLink,
  policies: Policies,
): Promise<User> {
  const { now } = scope;
  try {
    return await followLink(database, scope, { ...link, policies, purpose: 'CHANGE_EMAIL' }, async (db, token) => {
      const { user: found, sentTo } = token;
      if (!found || sentTo === null) throw new TokenInvalidError();
      const { id } = found;
      const before = await findAndLockUser(db, id);
      if (before?.email !== found.email) throw new TokenInvalidError();
      await requireFreeAddress(db, sentTo, id);
      await requireUnreserved(db, sentTo, id, now);
      const change = await keepAccount(db, before, 'EMAIL_CHANGED', now);
      const [user] = await db.user.updateManyAndReturn({
        where: { id, email: before.email, suspendedAt: null },
        data: { email: sentTo, emailVerifiedAt: now },
      });
      if (!user) throw new TokenInvalidError();
      await followEmailChange(db, user);
      await mailOldAddress(db, before.email, { user, change }, now);
      await recordEvent(db, scope, { type: 'EMAIL_CHANGED', userId: id, actorId: id });
      return user;
    });
  } catch (error) {
    throw isTaken(error) ? new EmailTakenError() : error;
  }
}

/** Deletes everything that was bound to an address, in the transaction that gives the user another one. */
export async function followEmailChange(db: Db, { id, email }: User): Promise<void> {
  // The counts of attempts from before the user had the address.
  await resetFailures(db, email);
  await voidLinks(db, id, ['RESET_PASSWORD', 'VERIFY_EMAIL', 'CHANGE_EMAIL']);
}
