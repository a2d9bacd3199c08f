import type { SessionPolicy } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { AccountSuspendedError } from '../errors.ts';
import type { Scope } from '../scope.ts';
import type { Proof } from '../sessions/proof.ts';
import type { SessionRequest, StartedSession } from '../sessions/start.ts';
import { startUserSession } from '../sessions/start-user-session.ts';
import type { User } from '../users/user.ts';

export type SignIn = SessionRequest & {
  /** The user as the transaction has read and locked them. */
  user: User;
  /** What the user proved in this request. */
  proof: Proof;
  /** What is written down of it in the user's history. */
  type: 'LOGGED_IN' | 'SIGNED_UP' | 'PASSWORD_RESET';
  /** Whether the user is known to have signed in on the device; it becomes known if not. */
  isTrustedDevice?: boolean;
};

/**
 * Completes a sign-in by starting a session that keeps the proof. This is the only way into a user's session: what every
 * sign-in must pass, such as a second factor, belongs here, and no other code can start such a session.
 *
 * @throws AccountSuspendedError
 */
export async function completeSignIn(
  db: Db,
  scope: Scope,
  signIn: SignIn,
  policy: SessionPolicy,
): Promise<StartedSession> {
  if (signIn.user.suspendedAt !== null) throw new AccountSuspendedError();
  return startUserSession(db, scope, signIn, policy);
}
