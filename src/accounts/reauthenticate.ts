import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { ChallengeInvalidError, InvalidCredentialsError, isWrongProof, sessionEnded } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { type FactorAnswer, type FactorPolicies, redeemAnswer } from '../factors/answers.ts';
import { cancelReset } from '../factors/changes/resets.ts';
import type { UserScope } from '../scope.ts';
import type { AuthenticationMethod } from '../sessions/proof.ts';
import { type RotatedSession, rotateToken } from '../sessions/rotate.ts';
import { type Failures, secondFactorKeyOf, withAttempt } from '../throttle/attempts.ts';
import { type FoundChallenge, findChallenge, redeemChallenge } from '../tokens/challenge.ts';
import { findAndLockUser } from '../users/lock.ts';
import type { User } from '../users/user.ts';
import { recordCloneSuspicion } from './factors/passkeys/rejections.ts';
import { inTransactionOf, type Policies, provePassword } from './prove-password.ts';
import { mailSecondFactorFailures } from './sign-ins/failed-logins.ts';

/** A new proof: the password, or the answer of another factor. */
export type NewProof = { password: string } | FactorProof;

export type FactorProof = {
  answer: FactorAnswer;
  /** The secret of the challenge that the answer is for. Null if its method needs none. */
  challenge: string | null;
};

/**
 * Records that the user of a session has proved the identity again, rotates the session's token, and returns the session
 * with the new one. A mailed code is no proof here: an open session is often beside an open mailbox.
 *
 * @throws RateLimitedError after too many wrong passwords, or too many wrong answers.
 * @throws InvalidCredentialsError for a wrong password or answer, and for the password if the session has ended.
 * @throws ChallengeInvalidError
 * @throws RequestError if the session has ended, or another request has replaced the token meanwhile.
 */
export function reauthenticate(
  database: Database,
  scope: UserScope,
  proof: NewProof,
  policies: Policies & FactorPolicies,
): Promise<RotatedSession> {
  if ('answer' in proof) return reauthenticateByFactor(database, scope, proof, policies);
  return reauthenticateByPassword(database, scope, proof.password, policies);
}

async function reauthenticateByPassword(
  database: Database,
  scope: UserScope,
  password: string,
  policies: Policies,
): Promise<RotatedSession> {
  const proven = await provePassword(database, scope, password, policies);
  return inTransactionOf(database, proven, async (db, user) => {
    const rotated = await rotate(db, scope, user, 'password');
    if (!rotated) throw new InvalidCredentialsError();
    return rotated;
  });
}

/** A session counts as a trusted device: wrong answers here do not count with those of strangers. */
async function reauthenticateByFactor(
  database: Database,
  scope: UserScope,
  { answer, challenge: secret }: FactorProof,
  policies: Policies & FactorPolicies,
): Promise<RotatedSession> {
  const { now, session } = scope;
  const { id } = session.user;
  const challenge = secret === null ? null : await findOwnChallenge(database, scope, secret);
  const tried = { user: session.user, before: 'session', answer } as const;
  const attempt = {
    accountKey: secondFactorKeyOf({ id }),
    isTrustedDevice: true,
    policy: policies.attempts,
    onCooldown: (failures: Failures) => mailSecondFactorFailures(database, scope, tried, failures),
  };
  return withAttempt(database, scope, attempt, async (succeed) => {
    try {
      return await inTransaction(database, async (db) => {
        const user = await findAndLockUser(db, id);
        if (user === null) throw sessionEnded();
        const method = await redeemAnswer(db, { user, answer, challenge, scope }, policies);
        if (challenge !== null) await redeemChallenge(db, challenge, now);
        await cancelReset(db, scope, id, 'SIGNED_IN');
        const rotated = await rotate(db, scope, user, method);
        if (!rotated) throw sessionEnded();
        await succeed(db);
        return rotated;
      });
    } catch (error) {
      await recordCloneSuspicion(database, scope, error);
      if (isWrongProof(error)) {
        await recordEvent(database, scope, { type: 'SECOND_FACTOR_FAILED', userId: id });
      }
      throw error;
    }
  });
}

/** Returns the challenge with this secret, which the user of the session has begun. @throws ChallengeInvalidError */
async function findOwnChallenge(database: Database, scope: UserScope, secret: string): Promise<FoundChallenge> {
  const challenge = await findChallenge(database, scope, 'REAUTHENTICATION', secret);
  if (challenge.userId !== scope.session.user.id) throw new ChallengeInvalidError('UNKNOWN');
  return challenge;
}

/** Rotates the token after a proof, and records the event. Returns null if the session is not live any more. */
async function rotate(
  db: Db,
  scope: UserScope,
  user: User,
  method: AuthenticationMethod,
): Promise<RotatedSession | null> {
  const rotated = await rotateToken(db, scope, [method]);
  if (!rotated) return null;
  const rotatedScope = { ...scope, session: { ...rotated.session, user } };
  const detail = method.toUpperCase();
  await recordEvent(db, rotatedScope, { type: 'REAUTHENTICATED', userId: user.id, detail });
  return rotated;
}
