import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { ChallengeInvalidError, isWrongProof } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { type FactorAnswer, redeemAnswer } from '../../factors/answers.ts';
import type { Scope } from '../../scope.ts';
import type { SessionRequest } from '../../sessions/start.ts';
import { type Failures, resetFailures, secondFactorKeyOf, withAttempt } from '../../throttle/attempts.ts';
import { redeemChallenge, withAnswer } from '../../tokens/challenge.ts';
import { findTrustedDevice } from '../../tokens/trusted-device.ts';
import { accountKeyOf } from '../../users/email.ts';
import { findAndLockUser } from '../../users/lock.ts';
import { recordCloneSuspicion } from '../factors/passkeys/rejections.ts';
import { completeSignIn, type SignInResult } from '../sign-in.ts';
import { mailSecondFactorFailures } from './failed-logins.ts';
import { prepareNewDevice } from './new-device.ts';
import { findPendingSignIn, requireSameAccount } from './pending.ts';

export type SecondFactorPolicies = Pick<
  Config,
  'sessions' | 'secondFactor' | 'attempts' | 'newDeviceMail' | 'encryptionKeys' | 'passkeys'
>;

export type SecondFactorInput = Pick<SessionRequest, 'visitor'> & {
  /** The secret of the pending sign-in. */
  challenge: string;
  answer: FactorAnswer;
  /** Whether this device skips the second factor for the next 30 days. */
  trustsDevice: boolean;
};

/**
 * Completes a pending sign-in with a second factor, and starts its session. After a recovery code that replaced the last
 * factor of the account, it asks for a new one instead. Wrong answers are counted like wrong passwords, and apart from
 * them.
 *
 * @throws ChallengeInvalidError
 * @throws InvalidCredentialsError for a wrong answer. The challenge stays valid then, unless there were too many.
 * @throws PasskeyRejectedError for a wrong answer of a passkey, in the same way.
 * @throws RateLimitedError after too many wrong ones.
 * @throws AccountSuspendedError
 */
export async function completeLogin(
  database: Database,
  scope: Scope,
  { challenge: secret, answer, trustsDevice, visitor }: SecondFactorInput,
  policies: SecondFactorPolicies,
): Promise<SignInResult> {
  const { now } = scope;
  const pending = await findPendingSignIn(database, scope, secret);
  const { user: owner, challenge } = pending;
  const trustedDevice = await findTrustedDevice(database, scope, accountKeyOf(owner.email));
  const isByPassword = pending.methods.includes('password');
  const tried = { user: owner, before: isByPassword ? 'password' : 'mail', answer } as const;
  const attempt = {
    accountKey: secondFactorKeyOf(owner),
    isTrustedDevice: trustedDevice !== null,
    policy: policies.attempts,
    onCooldown: (failures: Failures) => mailSecondFactorFailures(database, scope, tried, failures),
  };
  return withAttempt(database, scope, attempt, async (succeed, failures) => {
    const isPrepared = trustedDevice === null && (await prepareNewDevice(database, owner, policies, now));
    // The mail warns of a stranger who knows the password.
    const isMailed = isPrepared && isByPassword;
    const complete = () =>
      inTransaction(database, async (db) => {
        const user = await findAndLockUser(db, owner.id);
        if (user === null) throw new ChallengeInvalidError('UNKNOWN');
        requireSameAccount(challenge, user);
        const method = await redeemAnswer(db, { user, answer, challenge, scope }, policies);
        await redeemChallenge(db, challenge, now);
        const { type, transport, isRemembered } = pending;
        const proof = { methods: [...pending.methods, method], at: now };
        const request = { type, transport, isRemembered, visitor, user, proof };
        const skipsSecondFactor = trustsDevice && policies.secondFactor.allowsTrustedDevices;
        const of = { trustedDevice, skipsSecondFactor, newDevice: isMailed ? { failures } : null };
        const result = await completeSignIn(db, scope, { ...request, ...of }, policies);
        await resetFailures(db, user.email);
        await succeed(db);
        return result;
      });
    try {
      return await withAnswer(database, challenge, complete);
    } catch (error) {
      await recordCloneSuspicion(database, scope, error);
      if (isWrongProof(error)) {
        const event = { type: 'SECOND_FACTOR_FAILED', userId: owner.id, sessionHandle: null } as const;
        await recordEvent(database, scope, event);
      }
      throw error;
    }
  });
}
