import type { PasskeyPolicy } from '../../config/accounts/passkeys.ts';
import type { Db } from '../../database/database.ts';
import { ChallengeInvalidError } from '../../errors.ts';
import type { Challenge, User } from '../../generated/sqlite/client.ts';
import type { AuthenticationMethod } from '../../sessions/proof.ts';
import { verifyAuthentication } from './authentication.ts';
import { passkeyLifetimeMs, recordPasskeyUse, webAuthnChallengeOf } from './passkey.ts';

export type PasskeyAnswered = {
  user: User;
  /** An `AuthenticationResponseJSON`. */
  response: unknown;
  /** The challenge of the operation, which the caller redeems. */
  challenge: Challenge;
  now: Date;
};

/**
 * Verifies the answer of a passkey of a user to the challenge of an operation, records its use, and returns the method
 * that it proves. An answer is accepted for five minutes after the challenge, however long the challenge is valid.
 *
 * @throws ChallengeInvalidError if the answer is late.
 * @throws PasskeyRejectedError
 */
export async function redeemPasskeyAnswer(
  db: Db,
  { user, response, challenge, now }: PasskeyAnswered,
  policy: PasskeyPolicy,
): Promise<AuthenticationMethod> {
  if (now.getTime() - challenge.createdAt.getTime() >= passkeyLifetimeMs) throw new ChallengeInvalidError('EXPIRED');
  const expected = {
    challenge: webAuthnChallengeOf(challenge.hashedToken),
    userId: user.id,
    requiresVerification: isOnlyFactor(user, challenge.purpose),
  };
  const proven = await verifyAuthentication(db, response, expected, policy);
  await recordPasskeyUse(db, proven, now);
  return proven.method;
}

/**
 * Returns whether a passkey has to be enough for an operation: in a session of a user without a password. In a sign-in
 * that waits for a second factor, another factor was given before.
 */
export function isOnlyFactor({ hashedPassword }: User, purpose: string): boolean {
  return purpose !== 'SIGN_IN' && hashedPassword === null;
}
