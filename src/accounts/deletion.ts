import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { recordEvent } from '../events/record.ts';
import { deleteSignUps, enqueueMail } from '../mail/outbox.ts';
import { countRequestedMail } from '../mail/requested-mail.ts';
import { actingAs, commandScope, type Scope, type UserScope } from '../scope.ts';
import { endSessions, sessionsOfUser } from '../sessions/end.ts';
import type { Session } from '../sessions/session.ts';
import { resetFailures, resetSecondFactorFailures } from '../throttle/attempts.ts';
import { requireUnrestored } from '../users/account-changes.ts';
import { keepUsername } from '../users/claim-username.ts';
import type { User } from '../users/user.ts';
import { requireAnotherAdministrator } from './administrators.ts';
import { inTransactionOf, type Policies, provePassword } from './prove-password.ts';

export type DeletedUser = {
  id: bigint;
  /** The sessions that were live until the deletion. */
  sessions: Session[];
};

/**
 * Deletes the account of a signed-in user, with all their data.
 *
 * @throws InvalidCredentialsError for a wrong password, and for a password that an undo restored.
 * @throws LastAdministratorError
 */
export async function deleteAccount(
  database: Database,
  scope: UserScope,
  password: string,
  policies: Policies & Pick<Config, 'adminRoles'>,
): Promise<DeletedUser> {
  const proven = await provePassword(database, scope, password, policies);
  // The address and the device of the request would stay behind in the event.
  const nowhere = actingAs(commandScope(scope.now), proven.user);
  return inTransactionOf(database, proven, async (db, user) => {
    await requireUnrestored(db, user.id, scope.now);
    return deleteUserWith(db, nowhere, user, policies.adminRoles);
  });
}

/**
 * Deletes a locked user in a transaction, with their sessions, links and mails. Their audit events stay, without
 * address and device, and with the number of a user that no other user gets. Of the sessions that this ends, rows
 * without personal data stay, by which their clients learn the reason. Mails the user.
 */
export async function deleteUserWith(
  db: Db,
  scope: Scope,
  user: User,
  adminRoles: readonly string[],
): Promise<DeletedUser> {
  const { now } = scope;
  const { id, email } = user;
  await requireAnotherAdministrator(db, user, adminRoles, now);
  const sessions = await endSessions(db, scope, sessionsOfUser(id), 'ACCOUNT_DELETED');
  await forgetSessions(db, id, sessions);
  await keepUsername(db, user, now);
  await db.user.delete({ where: { id } });
  await resetFailures(db, email);
  await resetSecondFactorFailures(db, user);
  await deleteSignUps(db, email);
  const theirs = { OR: [{ actorId: id }, { userId: id, actorId: null }] };
  await db.auditEvent.updateMany({ where: theirs, data: { ipAddress: null, userAgent: null } });
  await recordEvent(db, scope, { type: 'USER_DELETED', userId: id });
  // A stranger can create and delete accounts with the address again and again.
  if (await countRequestedMail(db, 'account-deleted', { email, isTrustedDevice: false }, now)) {
    await enqueueMail(db, { name: 'account-deleted', recipient: email, userId: null }, now);
  }
  return { id, sessions };
}

/** Deletes the sessions of a user, except those that were just ended. These keep nothing about the user. */
async function forgetSessions(db: Db, userId: bigint, justEnded: Session[]): Promise<void> {
  await db.session.deleteMany({ where: { userId, id: { notIn: justEnded.map(({ id }) => id) } } });
  const nothing = { userAgent: null, ipAddress: null, lastSeenAt: null };
  const noProofs = { authenticatedAt: null, authenticationMethods: null, proofs: null };
  await db.session.updateMany({ where: { userId }, data: { ...nothing, ...noProofs, userId: null } });
}
