import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { recordEvent } from '../events/record.ts';
import { enqueueMail, forgetSignUps } from '../mail/outbox.ts';
import { actingAs, commandScope, type Scope, type UserScope } from '../scope.ts';
import { type Session, whereLive } from '../sessions/session.ts';
import { forgetFailures } from '../throttle/attempts.ts';
import type { User } from '../users/user.ts';
import { requireAnotherAdministrator } from './administrators.ts';
import { inTransactionOf, type Policies, provePassword } from './prove-password.ts';

export type DeletedUser = {
  id: number;
  /** The sessions that were live until then. */
  sessions: Session[];
};

/**
 * Deletes the account of somebody who is signed in, with all that is theirs.
 *
 * @throws InvalidCredentialsError for a wrong password.
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
  return inTransactionOf(database, proven, (db, user) => deleteUserWith(db, nowhere, user, policies.adminRoles));
}

/**
 * Deletes a user who is locked, in a transaction: their sessions, links and mails go with them, and what is kept of
 * what happened has no address and no device any more, only a number that is nobody's again. They are told by mail.
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
  const sessions = await db.session.findMany({ where: { userId: id, ...whereLive(now) } });
  await db.session.deleteMany({ where: { userId: id } });
  await db.user.delete({ where: { id } });
  await forgetFailures(db, email);
  await forgetSignUps(db, email);
  const theirs = { OR: [{ actorId: id }, { userId: id, actorId: null }] };
  await db.auditEvent.updateMany({ where: theirs, data: { ipAddress: null, userAgent: null } });
  await recordEvent(db, scope, { type: 'USER_DELETED', userId: id });
  await enqueueMail(db, { name: 'account-deleted', recipient: email, userId: null }, now);
  return { id, sessions };
}
