import { recordEvent } from '../audit/record.ts';
import type { PasswordPolicy } from '../config.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { AccountSuspendedError, InvalidCredentialsError } from '../errors.ts';
import { type StartedSession, type StartOptions, startUserSession } from '../sessions/start.ts';
import { verifyPassword } from '../users/password.ts';
import { findUserByEmail, lockUnchanged, requireEmail } from '../users/user.ts';

/**
 * Starts a session for whoever an email and a password prove.
 *
 * @throws ValidationError for an email that nobody can have.
 * @throws InvalidCredentialsError in the same way, after the same time, for an unknown email and a wrong password.
 * @throws AccountSuspendedError, which only somebody with the right password is told.
 */
export async function login(
  database: Database,
  credentials: { email: string; password: string },
  policy: PasswordPolicy,
  options: StartOptions,
): Promise<StartedSession> {
  const email = requireEmail(credentials.email);
  const user = await findUserByEmail(database, email);
  const isProven = await verifyPassword(credentials.password, user?.hashedPassword ?? null, policy);
  if (!user || !isProven || user.suspendedAt !== null) {
    const origin = { device: options.device, session: options.replaces };
    await recordEvent(
      database,
      { type: 'LOGIN_FAILED', userId: user?.id ?? null, sessionHandle: null },
      origin,
      options.now,
    );
    throw user && isProven ? new AccountSuspendedError() : new InvalidCredentialsError();
  }
  return inTransaction(database, async (db) => {
    // A password that was changed since it was checked must not open a session: the change ended all others.
    const unchanged = await lockUnchanged(db, user);
    if (unchanged.suspendedAt !== null) throw new AccountSuspendedError();
    return startUserSession(db, unchanged, 'LOGGED_IN', options);
  });
}
