/** The addition of a factor: by a user in a session, or as a part of a sign-in that needs one. */
import type { Database, Db } from '../../database/database.ts';
import { ChallengeInvalidError, RequestError } from '../../errors.ts';
import { listSecondFactors } from '../../factors/second-factors.ts';
import { actingAs, requireUser, type Scope } from '../../scope.ts';
import { endSessions, sessionsOfUser } from '../../sessions/end.ts';
import type { AuthenticationMethod } from '../../sessions/proof.ts';
import { type RotatedSession, rotateToken } from '../../sessions/rotate.ts';
import { type RecentProofPolicies, requireRecentProof } from '../../sessions/second-factor.ts';
import type { StartedSession, Visitor } from '../../sessions/start.ts';
import { redeemChallenge } from '../../tokens/challenge.ts';
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
 * a second factor and has none yet.
 *
 * @param signIn - the secret of the pending sign-in. Null in a session
 * @throws RequestError without a session and a sign-in.
 * @throws ChallengeInvalidError
 */
export async function findEnroller(database: Database, scope: Scope, signIn: string | null): Promise<Enroller> {
  if (signIn === null) return { user: requireUser(scope).session.user, pending: null };
  const pending = await findPendingSignIn(database, scope, signIn);
  await requireWithoutFactors(database, pending.user);
  return { user: pending.user, pending };
}

/** The first factor alone must not replace the second one. */
async function requireWithoutFactors(db: Db, { id }: User): Promise<void> {
  if ((await listSecondFactors(db, id)).length > 0) throw new ChallengeInvalidError('UNKNOWN');
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
export type Enrolled = { user: User } & (
  | { rotated: RotatedSession; started: null }
  | { rotated: null; started: StartedSession }
);

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
 * sessions end, as they lack it.
 *
 * @throws ChallengeInvalidError if the sign-in was completed meanwhile, or has got a factor.
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
    if (!rotated) throw new RequestError('UNAUTHENTICATED', 'This session has ended. Log in first.');
    if (isNew) await endSessions(db, byUser, sessionsOfUser(user.id, rotated.session.id), 'SECOND_FACTOR_REQUIRED');
    return { user, rotated, started: null };
  }
  requireSameAccount(pending.challenge, user);
  if (before.secondFactorSince !== null) throw new ChallengeInvalidError('USED');
  await redeemChallenge(db, pending.challenge, scope.now);
  if (isNew) await endSessions(db, byUser, sessionsOfUser(user.id), 'SECOND_FACTOR_REQUIRED');
  const { type, transport, isRemembered } = pending;
  const proof = { methods: [...pending.methods, method], at: scope.now };
  const started = await completeSignIn(db, scope, { type, transport, isRemembered, visitor, user, proof }, policies);
  if (isPending(started)) throw new Error(`The new factor ${method} of user ${user.id} was not enough.`);
  return { user, rotated: null, started };
}
