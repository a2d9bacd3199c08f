import type { SessionPolicy } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { runConcurrently } from '../database/transaction.ts';
import { AccountSuspendedError } from '../errors.ts';
import type { Scope } from '../scope.ts';
import type { Proof } from '../sessions/proof.ts';
import type { SessionRequest, StartedSession } from '../sessions/start.ts';
import { startUserSession } from '../sessions/start-user-session.ts';
import { createSessionToken, createToken } from '../tokens/token.ts';
import type { User } from '../users/user.ts';
import { mailNewDevice } from './sign-ins/new-device.ts';

export type SignIn = SessionRequest & {
  /** The user as the transaction has read and locked them. */
  user: User;
  /** The proof that the user gave in this request. */
  proof: Proof;
  /** The audit event of the sign-in. */
  type: 'LOGGED_IN' | 'SIGNED_UP' | 'PASSWORD_RESET';
  /** The id of the trusted device of the request. Null, the default, if it has none: the sign-in trusts it. */
  trustedDeviceId?: bigint | null;
  /** For the mail about a device that is not trusted: the failed attempts before. Null, the default, sends no mail. */
  newDevice?: { failures: number } | null;
};

/**
 * Completes a sign-in by starting a session that keeps the proof. This is the only way into a user's session: checks of
 * every sign-in, such as a second factor, belong here, and no other code can start such a session.
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
  const { user, trustedDeviceId: trustedId = null, newDevice = null } = signIn;
  const credential = createSessionToken();
  const device = trustedId === null ? { trustedId, token: createToken() } : { trustedId, token: null };
  const handles = { sessionHandle: credential.handle, deviceHandle: device.token?.handle ?? '' };
  const [started] = await runConcurrently([
    startUserSession(db, scope, { ...signIn, device, credential }, policy),
    newDevice && mailNewDevice(db, scope, { user, ...newDevice, ...handles }),
  ]);
  return started;
}
