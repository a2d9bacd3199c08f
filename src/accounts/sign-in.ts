import type { Config } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { runConcurrently } from '../database/transaction.ts';
import { AccountSuspendedError } from '../errors.ts';
import { cancelReset } from '../factors/changes/resets.ts';
import { listEnrolledFactors } from '../factors/second-factors.ts';
import { actingAs, type Scope } from '../scope.ts';
import { needsSecondFactor, provesSecondFactor } from '../sessions/assurance/second-factor.ts';
import type { Proof } from '../sessions/proof.ts';
import type { SessionRequest, StartedSession } from '../sessions/start.ts';
import { startUserSession } from '../sessions/start-user-session.ts';
import { createSessionToken, createToken } from '../tokens/token.ts';
import { findSkippingDevice, type TrustedDevice } from '../tokens/trusted-device.ts';
import type { User } from '../users/user.ts';
import { mailNewDevice } from './sign-ins/new-device.ts';
import { createPendingSignIn, type PendingSignIn } from './sign-ins/pending.ts';

export type SignIn = SessionRequest & {
  /** The user as the transaction has read and locked them. */
  user: User;
  /** The proof that the user gave in this request. */
  proof: Proof;
  /** The audit event of the sign-in. */
  type: SignInType;
  /** The trusted device of the request. Null, the default, if it has none: the sign-in trusts it. */
  trustedDevice?: TrustedDevice | null;
  /** Whether the device shall skip the second factor from now on. By default, that stays as it is. */
  skipsSecondFactor?: boolean;
  /** For the mail about a device that is not trusted: the failed attempts before. Null, the default, sends no mail. */
  newDevice?: { failures: number } | null;
};

/** The audit events of sign-ins. */
export type SignInType = 'LOGGED_IN' | 'SIGNED_UP' | 'PASSWORD_RESET';

/** The session of a sign-in, or the challenge for the second factor that it lacks. */
export type SignInResult = StartedSession | PendingSignIn;

export type CompletePolicies = Pick<Config, 'sessions' | 'secondFactor'>;

/**
 * Completes a sign-in. Starts a session that keeps the proof, or asks for the second factor that the user needs and the
 * proof lacks, or for a new one if a recovery code replaced the last. Then no session exists. This is the only way into
 * a user's session: checks of every sign-in belong here, and no other code can start such a session.
 *
 * @throws AccountSuspendedError
 */
export async function completeSignIn(
  db: Db,
  scope: Scope,
  signIn: SignIn,
  policies: CompletePolicies,
): Promise<SignInResult> {
  const { user, proof } = signIn;
  if (user.suspendedAt !== null) throw new AccountSuspendedError();
  // The user has not lost the factors that an administrator is about to remove. A skipped one is not in the proof yet.
  if (provesSecondFactor(proof.methods)) await cancelReset(db, actingAs(scope, user), user.id, 'SIGNED_IN');
  if (!needsSecondFactor(user, policies.secondFactor)) return startSession(db, scope, signIn, policies);
  if (provesSecondFactor(proof.methods)) {
    if (await mustEnrol(db, user, proof)) return createPendingSignIn(db, scope, signIn);
    return startSession(db, scope, signIn, policies);
  }
  const { allowsTrustedDevices } = policies.secondFactor;
  const trustedDevice = allowsTrustedDevices ? await findSkippingDevice(db, scope, user) : null;
  if (trustedDevice === null) return createPendingSignIn(db, scope, signIn);
  const methods = [...proof.methods, 'trusted_device'] as const;
  return startSession(db, scope, { ...signIn, trustedDevice, proof: { ...proof, methods } }, policies);
}

/**
 * Returns whether a recovery code stood for a factor that the user does not have any more. Without this, the codes would
 * be the second factor until they are used up, and then nothing would be.
 */
async function mustEnrol(db: Db, { id }: User, { methods }: Proof): Promise<boolean> {
  return methods.includes('recovery_code') && (await listEnrolledFactors(db, id)).length === 0;
}

/** Returns whether a sign-in waits for a second factor. */
export function isPending(result: SignInResult): result is PendingSignIn {
  return 'challenge' in result;
}

async function startSession(
  db: Db,
  scope: Scope,
  signIn: SignIn,
  { sessions }: CompletePolicies,
): Promise<StartedSession> {
  const { user, trustedDevice = null, newDevice = null, skipsSecondFactor: skips = null } = signIn;
  const credential = createSessionToken();
  const device = { trusted: trustedDevice, token: trustedDevice === null ? createToken() : null, skips };
  const handles = { sessionHandle: credential.handle, deviceHandle: device.token?.handle ?? '' };
  const [started] = await runConcurrently([
    startUserSession(db, scope, { ...signIn, device, credential }, sessions),
    newDevice && mailNewDevice(db, scope, { user, ...newDevice, ...handles }),
  ]);
  return started;
}
