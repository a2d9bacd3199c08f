/** Acts of administrators on the accounts of others. The caller requires that they are administrators. */

import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { EmailTakenError, ValidationError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { keepAccount } from '../factors/changes/keep.ts';
import { enqueueMail, voidLinks } from '../mail/outbox.ts';
import type { Scope } from '../scope.ts';
import { endSessionsWithoutSecondFactor } from '../sessions/assurance/second-factor.ts';
import { endSessions, sessionsOfUser } from '../sessions/end.ts';
import type { Session } from '../sessions/session.ts';
import { resetFailures, resetSecondFactorFailures } from '../throttle/attempts.ts';
import { voidChallenges } from '../tokens/challenge.ts';
import { forgetPasswords, requireUnreserved } from '../users/account-changes.ts';
import { normalizeEmail } from '../users/email.ts';
import { notAnEmail } from '../users/field-issues.ts';
import { lockUser } from '../users/lock.ts';
import {
  createUser,
  isTaken,
  type NewAccount,
  prepareAccount,
  requireFreeAddress,
  requireRole,
  type User,
} from '../users/user.ts';
import { requireAnotherAdministrator } from './administrators.ts';
import { type DeletedUser, deleteUserWith } from './deletion.ts';
import { followEmailChange } from './email.ts';
import { mailOldAddress } from './undo/notices.ts';
import { voidUndoLinks } from './undo/undo-change.ts';

export type Administered = {
  user: User;
  /** The sessions that the act ended. */
  sessions: Session[];
};

/**
 * Creates an account for another person, and mails a link to choose a password. Administrators choose no passwords.
 *
 * @throws ValidationError, EmailTakenError
 */
export async function inviteUser(database: Database, scope: Scope, account: NewAccount): Promise<Administered> {
  const prepared = prepareAccount(account);
  return inTransaction(database, async (db) => {
    const user = await createUser(db, { ...prepared, hashedPassword: null });
    await requireUnreserved(db, user.email, user.id, scope.now);
    await enqueueMail(db, { name: 'set-password', recipient: user.email, userId: user.id }, scope.now);
    await recordEvent(db, scope, { type: 'USER_CREATED', userId: user.id, detail: user.role });
    return { user, sessions: [] };
  });
}

export type RolePolicies = Pick<Config, 'adminRoles' | 'secondFactor'>;

/**
 * Gives a user another role. It applies from their next request on. If the role needs a second factor, the sessions that
 * lack one end.
 *
 * @throws UserNotFoundError, ValidationError, LastAdministratorError
 */
export async function setUserRole(
  database: Database,
  scope: Scope,
  { id, role: newRole }: { id: bigint; role: string },
  { adminRoles, secondFactor }: RolePolicies,
): Promise<Administered> {
  const role = requireRole(newRole);
  return inTransaction(database, async (db) => {
    const before = await lockUser(db, id);
    if (before.role === role) return { user: before, sessions: [] };
    if (!adminRoles.includes(role)) await requireAnotherAdministrator(db, before, adminRoles, scope.now);
    const user = await db.user.update({ where: { id }, data: { role } });
    await recordEvent(db, scope, { type: 'ROLE_CHANGED', userId: id, detail: `${before.role} → ${role}` });
    return { user, sessions: await endSessionsWithoutSecondFactor(db, scope, user, secondFactor) };
  });
}

/**
 * Gives a user another address, for an operator who knows by other means that it is theirs: the owner of the present
 * one may have taken over the account. The new address counts as not verified. Voids the links that were sent to the
 * present one. Ends no session.
 *
 * @param change.isMailed - true if the present address learns the new one, with a link to undo the change. Not if a
 *   thief reads it: links that undo earlier changes are void then too.
 * @throws UserNotFoundError, ValidationError, EmailTakenError
 */
export async function setUserEmail(
  database: Database,
  scope: Scope,
  { id, email: newAddress, isMailed }: { id: bigint; email: string; isMailed: boolean },
): Promise<User> {
  const email = normalizeEmail(newAddress);
  if (email === null) throw new ValidationError([notAnEmail]);
  return inTransaction(database, async (db) => {
    const before = await lockUser(db, id);
    if (before.email === email) return before;
    await requireFreeAddress(db, email, id);
    await requireUnreserved(db, email, id, scope.now);
    const change = isMailed ? await keepAccount(db, before, 'EMAIL_CHANGED', scope.now) : null;
    // The operator decides whose account it is, also against links that a thief has.
    if (!isMailed) await voidUndoLinks(db, id);
    const user = await db.user.update({ where: { id }, data: { email, emailVerifiedAt: null } });
    await followEmailChange(db, user);
    if (isMailed) await mailOldAddress(db, before.email, { user, change }, scope.now);
    await recordEvent(db, scope, { type: 'EMAIL_CHANGED', userId: id });
    return user;
  }).catch((error) => {
    throw isTaken(error) ? new EmailTakenError() : error;
  });
}

/**
 * Removes the password of a user, which another person knows: only a new one, chosen by a link, opens the account then.
 * Ends all sessions, and voids all links and trusted devices. Links that undo a change stay valid, but restore no
 * password. @throws UserNotFoundError
 */
export function removePassword(database: Database, scope: Scope, id: bigint): Promise<Administered> {
  return inTransaction(database, async (db) => {
    const { email } = await lockUser(db, id);
    const user = await db.user.update({ where: { id }, data: { hashedPassword: null } });
    await forgetPasswords(db, id);
    await voidLinks(db, id, ['RESET_PASSWORD', 'VERIFY_EMAIL', 'CHANGE_EMAIL', 'KNOWN_DEVICE']);
    await resetFailures(db, email);
    await recordEvent(db, scope, { type: 'PASSWORD_REMOVED', userId: id });
    return { user, sessions: await endSessions(db, scope, sessionsOfUser(id), 'REVOKED_BY_ADMIN') };
  });
}

/**
 * Suspends a user until they are reinstated: refuses sign-ins, also those that have begun, ends their sessions, and voids
 * their links.
 *
 * @throws UserNotFoundError, LastAdministratorError
 */
export function suspendUser(
  database: Database,
  scope: Scope,
  id: bigint,
  adminRoles: readonly string[],
): Promise<Administered> {
  return inTransaction(database, async (db) => {
    const before = await lockUser(db, id);
    if (before.suspendedAt !== null) return { user: before, sessions: [] };
    await requireAnotherAdministrator(db, before, adminRoles, scope.now);
    const user = await db.user.update({ where: { id }, data: { suspendedAt: scope.now } });
    await voidLinks(db, id, ['RESET_PASSWORD', 'CHANGE_EMAIL']);
    await voidChallenges(db, id);
    await recordEvent(db, scope, { type: 'USER_SUSPENDED', userId: id });
    return { user, sessions: await endSessions(db, scope, sessionsOfUser(id), 'SUSPENDED') };
  });
}

/** Lets a suspended user sign in again. @throws UserNotFoundError */
export function reinstateUser(database: Database, scope: Scope, id: bigint): Promise<Administered> {
  return inTransaction(database, async (db) => {
    const before = await lockUser(db, id);
    if (before.suspendedAt === null) return { user: before, sessions: [] };
    const user = await db.user.update({ where: { id }, data: { suspendedAt: null } });
    await recordEvent(db, scope, { type: 'USER_REINSTATED', userId: id });
    return { user, sessions: [] };
  });
}

/**
 * Forgets the failed attempts at the password and the second factor of a user, and any cooldown.
 *
 * @throws UserNotFoundError
 */
export function unlockUser(database: Database, scope: Scope, id: bigint): Promise<Administered> {
  return inTransaction(database, async (db) => {
    const user = await lockUser(db, id);
    await resetFailures(db, user.email);
    await resetSecondFactorFailures(db, user);
    await recordEvent(db, scope, { type: 'USER_UNLOCKED', userId: id });
    return { user, sessions: [] };
  });
}

/** Ends all sessions of a user. @throws UserNotFoundError */
export function revokeUserSessions(database: Database, scope: Scope, id: bigint): Promise<Administered> {
  return inTransaction(database, async (db) => {
    const user = await lockUser(db, id);
    return { user, sessions: await endSessions(db, scope, sessionsOfUser(id), 'REVOKED_BY_ADMIN') };
  });
}

/** Deletes a user with all their data. @throws UserNotFoundError, LastAdministratorError */
export function deleteUser(
  database: Database,
  scope: Scope,
  id: bigint,
  adminRoles: readonly string[],
): Promise<DeletedUser> {
  return inTransaction(database, async (db) => deleteUserWith(db, scope, await lockUser(db, id), adminRoles));
}
