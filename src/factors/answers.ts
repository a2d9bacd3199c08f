/** Answers by which a user proves a factor, one kind for each method. */
import type { Config } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { ChallengeInvalidError } from '../errors.ts';
import type { Challenge } from '../generated/sqlite/client.ts';
import type { Scope } from '../scope.ts';
import type { AuthenticationMethod } from '../sessions/proof.ts';
import type { User } from '../users/user.ts';
import { redeemTotpCode } from './authenticator-app.ts';
import { redeemPasskeyAnswer } from './passkeys/answer.ts';
import { noteRecoveryCodeUse } from './recovery-code-use.ts';
import { redeemRecoveryCode } from './recovery-codes.ts';

/** Exactly one answer. */
export type FactorAnswer = { totpCode: string } | { recoveryCode: string } | { passkey: { response?: unknown } };

export type Answered = {
  /** The user, as the transaction has locked them. */
  user: User;
  answer: FactorAnswer;
  /** The challenge of the operation. Null if it has none. */
  challenge: Challenge | null;
  /** The scope of the request. */
  scope: Scope;
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
  { user, answer, challenge, scope }: Answered,
  { encryptionKeys, passkeys }: FactorPolicies,
): Promise<AuthenticationMethod> {
  if ('passkey' in answer) {
    if (challenge === null) throw new ChallengeInvalidError('UNKNOWN');
    const { response } = answer.passkey;
    return redeemPasskeyAnswer(db, { user, response, challenge, now: scope.now }, passkeys);
  }
  if ('recoveryCode' in answer) {
    const left = await redeemRecoveryCode(db, user.id, answer.recoveryCode);
    await noteRecoveryCodeUse(db, scope, user, left);
    return 'recovery_code';
  }
  await redeemTotpCode(db, encryptionKeys, { userId: user.id, code: answer.totpCode }, scope.now);
  return 'totp';
}
