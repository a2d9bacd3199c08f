/** Answers by which a user proves a factor, one kind for each method. */
import type { Config } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { ChallengeInvalidError } from '../errors.ts';
import type { Challenge } from '../generated/sqlite/client.ts';
import type { AuthenticationMethod } from '../sessions/proof.ts';
import type { User } from '../users/user.ts';
import { redeemTotpCode } from './authenticator-app.ts';
import { redeemPasskeyAnswer } from './passkeys/answer.ts';

/** Exactly one answer. */
export type FactorAnswer = { totpCode: string } | { passkey: { response?: unknown } };

export type Answered = {
  /** The user, as the transaction has locked them. */
  user: User;
  answer: FactorAnswer;
  /** The challenge of the operation. Null if it has none. */
  challenge: Challenge | null;
  /** The secret of the challenge, as the client presented it. Null if there is none. */
  secret: string | null;
  now: Date;
};

export type FactorPolicies = Pick<Config, 'encryptionKeys' | 'passkeys'>;

/**
 * Verifies an answer, uses it up, and returns the method that it proves. Runs in the transaction of the operation, so
 * that an answer that is used opens exactly one operation.
 *
 * @throws InvalidCredentialsError for a wrong answer, and for a factor that the user does not have.
 * @throws PasskeyRejectedError for a wrong answer of a passkey.
 * @throws ChallengeInvalidError for an answer of a passkey that is late, or to no challenge.
 */
export async function redeemAnswer(
  db: Db,
  { user, answer, challenge, now }: Answered,
  { encryptionKeys, passkeys }: FactorPolicies,
): Promise<AuthenticationMethod> {
  if ('passkey' in answer) {
    if (challenge === null) throw new ChallengeInvalidError('UNKNOWN');
    const { response } = answer.passkey;
    return redeemPasskeyAnswer(db, { user, response, challenge, now }, passkeys);
  }
  await redeemTotpCode(db, encryptionKeys, { userId: user.id, code: answer.totpCode }, now);
  return 'totp';
}
