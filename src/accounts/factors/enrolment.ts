/** The addition of a factor: by a user in a session, or as a part of a sign-in that needs one. */
import type { Database, Db } from '../../database/database.ts';
import { ChallengeInvalidError, sessionEnded } from '../../errors.ts';
import { createFirstRecoveryCodes } from '../../factors/recovery-codes.ts';
import { listEnrolledFactors, listSecondFactors } from '../../factors/second-factors.ts';
import { actingAs, requireUser, type Scope } from '../../scope.ts';
import {
  endSessionsWithoutSecondFactor,
  needsSecondFactor,
  provesSecondFactor,
  type RecentProofPolicies,
  requireRecentProof,
} from '../../sessions/assurance/second-factor.ts';
import type { AuthenticationMethod } from '../../sessions/proof.ts';
import { type RotatedSession, rotateToken } from '../../sessions/rotate.ts';
import type { StartedSession, Visitor } from '../../sessions/start.ts';
import { redeemChallenge, voidChallenges } from '../../tokens/challenge.ts';
import { findAndLockUser } from '../../users/lock.ts';
import type { User } from '../../users/user.ts';
import { type CompletePolicies, completeSignIn, isPending } from '../sign-in.ts';
import { findPendingSignIn, requireSameAccount, type StoredSignIn } from '../sign-ins/pending.ts';

/** The user who adds a factor. */
export type Enroller = {
  user: User;
  /** The sign-in that needs the factor. Null for a user in a session. */
  pending: StoredSignIn | null;
};

/**
 * Returns the user who adds a factor: that of the session or, with the secret of a pending sign-in, its user, who needs
 * a second factor and has none yet. A user with nothing but recovery codes has given one of them before.
 *
 * @param signIn - the secret of the pending sign-in. Null in a session
 * @throws RequestError without a session and a sign-in.
 * @throws ChallengeInvalidError
 */
export async function findEnroller(database: Database, scope: Scope, signIn: string | null): Promise<Enroller> {
  if (signIn === null) return { user: requireUser(scope).session.user, pending: null };
  const pending = await findPendingSignIn(database, scope, signIn);
  await requireEnrollable(database, pending);
  return { user: pending.user, pending };
}

/**
 * Locks the user who adds a factor, in the transaction of the addition and before the factor is stored. Of several
 * sign-ins that need a factor, one adds it.
 *
 * @throws ChallengeInvalidError if the user was deleted, or the one of a sign-in has got a factor meanwhile.
 */
export async function lockEnroller(db: Db, { user: { id }, pending }: Enroller): Promise<User> {
  const user = await findAndLockUser(db, id);
  if (user === null) throw new ChallengeInvalidError('UNKNOWN');
  if (pending !== null) await requireEnrollable(db, { ...pending, user });
  return user;
}

/**
 * The first factor alone must not replace the second one, nor add one to an account that had one and lost it. A recovery
 * code may.
 */
async function requireEnrollable(db: Db, { user, methods }: StoredSignIn): Promise<void> {
  const hasProof = provesSecondFactor(methods);
  const factors = await (hasProof ? listEnrolledFactors(db, user.id) : listSecondFactors(db, user.id));
  const isOpen = hasProof || user.secondFactorSince === null;
  if (factors.length > 0 || !isOpen) throw new ChallengeInvalidError('UNKNOWN');
}

/**
 * Requires recent proofs for a change of the factors of the user in a session: of two factors, if the account needs
 * two.
 *
 * @throws ReauthenticationRequiredError
 */
export function requireProofForFactors(scope: Scope, policies: FactorProofPolicies): void {
  requireRecentProof(scope, policies);
}

export type FactorProofPolicies = RecentProofPolicies;

/** The session after the addition: the one of the request with a new token, or the one of the completed sign-in. */
export type Enrolled = {
  user: User;
  /** The first recovery codes of the account, shown once. Null if it has some, or needs no second factor. */
  recoveryCodes: string[] | null;
} & ({ rotated: RotatedSession; started: null } | { rotated: null; started: StartedSession });

export type Enrolment = {
  enroller: Enroller;
  /** The user as the transaction has locked them, before and after the addition. */
  before: User;
  user: User;
  /** The method of the new factor, which the user has proved just now. */
  method: AuthenticationMethod;
  visitor: Visitor | null;
};

/**
 * Finishes the addition of a factor, in its transaction, after the factor is stored. The new factor is a new proof: the
 * session gets a new token, or the sign-in its session. If the account needs a second factor from now on, its other
 * sessions end, as they lack it. All other sign-ins that wait for a second factor have to begin again.
 *
 * @throws ChallengeInvalidError if the sign-in was completed meanwhile, or has got a factor.
 * @throws AccountSuspendedError
 */
export async function finishEnrolment(
  db: Db,
  scope: Scope,
  { enroller: { pending }, before, user, method, visitor }: Enrolment,
  policies: CompletePolicies,
): Promise<Enrolled> {
  const isNew = before.secondFactorSince === null && user.secondFactorSince !== null;
  const byUser = actingAs(scope, user);
  if (pending === null) {
    const rotated = await rotateToken(db, requireUser(scope), [method]);
    if (!rotated) throw sessionEnded();
    if (isNew) await endSessionsWithoutSecondFactor(db, byUser, user, policies.secondFactor);
    await voidChallenges(db, user.id, ['SIGN_IN']);
    return { user, recoveryCodes: await firstRecoveryCodes(db, scope, user, policies), rotated, started: null };
  }
  requireSameAccount(pending.challenge, user);
  const isRecovered = provesSecondFactor(pending.methods);
  if (before.secondFactorSince !== null && !isRecovered) throw new ChallengeInvalidError('USED');
  await redeemChallenge(db, pending.challenge, scope.now);
  await voidChallenges(db, user.id, ['SIGN_IN']);
  if (isNew) await endSessionsWithoutSecondFactor(db, byUser, user, policies.secondFactor);
  const { type, transport, isRemembered } = pending;
  const proof = { methods: [...pending.methods, method], at: scope.now };
  const started = await completeSignIn(db, scope, { type, transport, isRemembered, visitor, user, proof }, policies);
  if (isPending(started)) throw new Error(`The new factor ${method} of user ${user.id} was not enough.`);
  return { user, recoveryCodes: await firstRecoveryCodes(db, scope, user, policies), rotated: null, started };
}

/** Creates the first recovery codes of an account that needs a second factor. Null if it needs or has some already. */
async function firstRecoveryCodes(
  db: Db,
  scope: Scope,
  user: User,
  { secondFactor }: CompletePolicies,
): Promise<string[] | null> {
  return needsSecondFactor(user, secondFactor) ? createFirstRecoveryCodes(db, scope, user.id) : null;
}
