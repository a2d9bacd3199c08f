import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { fromShell, type Origin, recordEvent } from '../events/record.ts';
import { enqueueMail, forgetSignUps } from '../mail/outbox.ts';
import { type Session, whereLive } from '../sessions/session.ts';
import { forgetFailures } from '../throttle/attempts.ts';
import { lockUserWithPassword, type User } from '../users/user.ts';
import { requireAnotherAdministrator } from './administrators.ts';
import { type Policies, provePassword } from './prove-password.ts';
import { overRewrittenHash } from './rewritten-hash.ts';

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
export function deleteAccount(
  database: Database,
  user: User,
  password: string,
  config: Policies & Pick<Config, 'adminRoles'>,
  origin: Origin,
  now: Date,
): Promise<DeletedUser> {
  return overRewrittenHash(database, user, async (current) => {
    await provePassword(database, current, password, config, origin, now);
    // What was done from where would stay behind.
    const nowhere = { ...fromShell, actorId: user.id };
    return inTransaction(database, async (db) =>
      deleteUserWith(db, await lockUserWithPassword(db, current), config.adminRoles, nowhere, now),
    );
  });
}

/**
 * Deletes a user who is locked, in a transaction: their sessions, links and mails go with them, and what is kept of
 * what happened has no address and no device any more, only a number that is nobody's again. They are told by mail.
 */
export async function deleteUserWith(
  db: Db,
  user: User,
  adminRoles: readonly string[],
  origin: Origin,
  now: Date,
): Promise<DeletedUser> {
  const { id, email } = user;
  await requireAnotherAdministrator(db, user, adminRoles, now);
  const sessions = await db.session.findMany({ where: { userId: id, ...whereLive(now) } });
  await db.session.deleteMany({ where: { userId: id } });
  await db.user.delete({ where: { id } });
  await forgetFailures(db, email);
  await forgetSignUps(db, email);
  const theirs = { OR: [{ actorId: id }, { userId: id, actorId: null }] };
  await db.auditEvent.updateMany({ where: theirs, data: { ipAddress: null, userAgent: null } });
  await recordEvent(db, { type: 'USER_DELETED', userId: id }, origin, now);
  await enqueueMail(db, { name: 'account-deleted', recipient: email, userId: null }, now);
  return { id, sessions };
}
