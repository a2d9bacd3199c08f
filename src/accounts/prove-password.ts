import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { PasswordChangedError, WrongPasswordError } from '../errors.ts';
import { type NewAuditEvent, recordEvent } from '../events/record.ts';
import { type Trust, withHashingSlot } from '../passwords/hashing-queue.ts';
import { requirePassword } from '../passwords/password.ts';
import type { Scope, UserScope } from '../scope.ts';
import { type Attempt, type Failures, withAttempt } from '../throttle/attempts.ts';
import { accountKeyOf } from '../users/email.ts';
import { lockUserWithPassword } from '../users/lock.ts';
import type { User } from '../users/user.ts';
import { mailFailedLogins } from './sign-ins/failed-logins.ts';

/** The policies for passwords and for failed attempts at them. */
export type Policies = Pick<Config, 'passwords' | 'attempts'>;

/** The same, and the policies for the session that a sign-in starts. */
export type SignInPolicies = Policies & Pick<Config, 'sessions' | 'secondFactor'>;

/** A user whose password was verified. */
export type ProvenUser = {
  /** The user with the hash that was verified. */
  user: User;
  /** The hash to store instead of the verified one, or null to keep it. */
  rehashed: string | null;
  /** Verifies the same password against the hash that the user has by now, and returns the hash to store, or null. */
  prove(user: User): Promise<string | null>;
};

/**
 * Requires the password of the signed-in user, for acts that a session alone does not allow. A session counts as a
 * trusted device: a wrong password here does not count with those of strangers.
 *
 * @throws InvalidCredentialsError for a wrong password.
 * @throws RateLimitedError after too many wrong ones.
 */
export async function provePassword(
  database: Database,
  scope: UserScope,
  password: string,
  { passwords, attempts }: Policies,
): Promise<ProvenUser> {
  const { user } = scope.session;
  const attempt = attemptOf(database, scope, { user, isTrustedDevice: true, policy: attempts });
  const failed = { type: 'PASSWORD_CHECK_FAILED', userId: user.id } as const;
  const prove = async ({ hashedPassword }: User) => {
    const check = () => requirePassword(password, hashedPassword, passwords);
    const checkOnce = () => withAttempt(database, scope, attempt, () => recordWrong(database, scope, failed, check));
    await withHashingSlot(passwords, checkOnce, trustOfSession(user));
    return null;
  };
  return { user, rehashed: await prove(user), prove };
}

/** Returns an attempt at the password of a user, who is mailed if it starts a cooldown. */
export function attemptOf(
  database: Database,
  scope: Scope,
  { user, ...limits }: Pick<Attempt, 'isTrustedDevice' | 'policy'> & { user: User },
): Attempt {
  const onCooldown = (failures: Failures) => mailFailedLogins(database, scope, { address: user.email, user }, failures);
  return { accountKey: accountKeyOf(user.email), ...limits, onCooldown };
}

/** Returns the trust of a session of the user: its requests wait for a hash with those from trusted devices. */
export function trustOfSession({ email }: User): Trust {
  return { account: accountKeyOf(email), isTrusted: true };
}

/** Runs a check of a password, and records the event if the password is wrong. */
export async function recordWrong<T>(db: Db, scope: Scope, event: NewAuditEvent, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof WrongPasswordError) await recordEvent(db, scope, event);
    throw error;
  }
}

/** Of several logins that replace a hash at once, each but the first may find another hash than it verified. */
const maxTries = 3;

/**
 * Runs a transaction that requires the password to be the proven one until it ends. It locks the user, and gives the
 * act the user as they are then.
 *
 * The stored hash is the version of the password. If it has changed, either the password has, or a login has replaced
 * the hash (docs/passwords.md, "Rules for imported hashes"). Only the password tells which, so it is verified again.
 * A version number on the user would not replace this: writers that do not know it (the previous version of this server
 * during a rollout, and another application on the same database) change passwords without raising it, and a login
 * with the old password would pass. Comparing the number and the hash would need this second try all the same.
 *
 * @throws InvalidCredentialsError if the password has changed.
 */
export async function inTransactionOf<T>(
  database: Database,
  { user, rehashed, prove }: ProvenUser,
  act: (db: Db, user: User) => Promise<T>,
  triesLeft: number = maxTries,
): Promise<T> {
  try {
    return await inTransaction(database, async (db) => act(db, await lockUserWithPassword(db, user, rehashed)));
  } catch (error) {
    if (!(error instanceof PasswordChangedError) || triesLeft === 1) throw error;
    const current = await database.user.findUnique({ where: { id: user.id } });
    if (!current) throw error;
    return inTransactionOf(database, { user: current, rehashed: await prove(current), prove }, act, triesLeft - 1);
  }
}
