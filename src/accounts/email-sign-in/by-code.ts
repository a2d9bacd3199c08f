import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { InvalidCredentialsError } from '../../errors.ts';
import type { Scope } from '../../scope.ts';
import type { SessionRequest } from '../../sessions/start.ts';
import { emailCodeKeyOf, type Succeed, withAttempt } from '../../throttle/attempts.ts';
import { findChallenge, withAnswer } from '../../tokens/challenge.ts';
import { isMailedCode } from '../../tokens/mailed-code.ts';
import { findTrustedDevice } from '../../tokens/trusted-device.ts';
import { accountKeyOf } from '../../users/email.ts';
import { isPending, type SignInResult } from '../sign-in.ts';
import { recordFailedLogin } from '../sign-ins/failed-logins.ts';
import {
  completeEmailSignIn,
  type EmailSignInPolicies,
  prepareCompletion,
  purpose,
  requestOf,
  requireEmailSignIn,
} from './email-sign-in.ts';

/** The number of wrong codes after which no code is accepted. */
const maxWrongCodes = 5;

export type CodeAnswer = Pick<SessionRequest, 'isRemembered' | 'visitor'> & {
  /** The secret of the challenge that `requestEmailSignIn` created. */
  challenge: string;
  code: string;
};

/**
 * Signs a user in by the code in a mail, on the device that asked for it. Wrong codes are counted with the challenge, and
 * with the account like wrong passwords, so that many challenges give no more tries. The refusals, the statements and
 * the time are the same for an address without an account.
 *
 * @throws RequestError on a server without sign-in by email.
 * @throws ChallengeInvalidError also after five codes. The link in the mail stays valid then.
 * @throws InvalidCredentialsError for a wrong code.
 * @throws RateLimitedError after too many wrong ones.
 * @throws AccountSuspendedError, only with the right code.
 */
export async function signInWithEmailCode(
  database: Database,
  scope: Scope,
  { challenge: secret, code, ...session }: CodeAnswer,
  policies: EmailSignInPolicies,
): Promise<SignInResult> {
  const { keys } = requireEmailSignIn(policies);
  const challenge = await findChallenge(database, scope, purpose, secret);
  const { email, transport } = requestOf(challenge);
  const trustedDevice = await findTrustedDevice(database, scope, accountKeyOf(email));
  const attempt = {
    accountKey: emailCodeKeyOf(email),
    isTrustedDevice: trustedDevice !== null,
    policy: policies.attempts,
  };
  const signIn = { ...session, transport, challenge, trustedDevice };
  async function complete(succeed: Succeed): Promise<SignInResult> {
    if (!isMailedCode(keys, challenge, code)) throw wrongCode();
    await prepareCompletion(database, scope, { challenge, trustedDevice }, policies);
    return inTransaction(database, async (db) => {
      const result = await completeEmailSignIn(db, scope, signIn, policies);
      await succeed(db, !isPending(result));
      return result;
    });
  }
  return withAttempt(database, scope, attempt, async (succeed) => {
    try {
      return await withAnswer(database, challenge, () => complete(succeed), maxWrongCodes);
    } catch (error) {
      await recordFailedLogin(database, scope, error, challenge.userId);
      throw error;
    }
  });
}

function wrongCode(): InvalidCredentialsError {
  return new InvalidCredentialsError('This code is wrong. Enter the code of the newest mail, or request a new one.');
}
