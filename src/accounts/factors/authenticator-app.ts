import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { decrypt, encrypt, type SecretPlace } from '../../encryption/encryption.ts';
import { ChallengeInvalidError, EncryptionKeysMissingError } from '../../errors.ts';
import {
  createTotpSecret,
  saveAuthenticatorApp,
  setupOf,
  stepOf,
  type TotpSetup,
  wrongCode,
} from '../../factors/authenticator-app.ts';
import { changeFactors } from '../../factors/changes/change-factors.ts';
import type { Scope, Transport } from '../../scope.ts';
import type { Visitor } from '../../sessions/start.ts';
import { secondFactorKeyOf, withAttempt } from '../../throttle/attempts.ts';
import {
  type CreatedChallenge,
  createChallenge,
  findChallenge,
  redeemChallenge,
  voidChallenges,
  withAnswer,
} from '../../tokens/challenge.ts';
import { endSkips } from '../../tokens/trusted-device.ts';
import { type Enrolled, findEnroller, finishEnrolment, lockEnroller, requireProofForFactors } from './enrolment.ts';

/** The time to add the secret to the app, in milliseconds. */
const lifetimeMs = 10 * 60_000;

const purpose = 'AUTHENTICATOR_APP';

export type AppPolicies = Pick<
  Config,
  'sessions' | 'secondFactor' | 'attempts' | 'encryptionKeys' | 'reauthenticateAfterMs' | 'publicUrl'
>;

export type StartedApp = CreatedChallenge & TotpSetup;

/**
 * Starts the addition of an authenticator app: creates its secret, which counts from the first accepted code on. Until
 * then, an app from before stays the factor. Voids an addition that was started before.
 *
 * @param input.signIn - the secret of a pending sign-in. Null in a session
 * @throws EncryptionKeysMissingError on a server that could not store the secret.
 * @throws ReauthenticationRequiredError in a session without recent proofs.
 * @throws ChallengeInvalidError for a sign-in that is not pending, or has a second factor.
 */
export async function startAuthenticatorApp(
  database: Database,
  scope: Scope,
  { signIn, transport }: { signIn: string | null; transport: Transport },
  policies: AppPolicies,
): Promise<StartedApp> {
  const { encryptionKeys: keys, publicUrl } = policies;
  if (keys === null) throw new EncryptionKeysMissingError();
  const { id, email } = (await findEnroller(database, scope, signIn)).user;
  if (signIn === null) requireProofForFactors(scope, policies);
  const secret = createTotpSecret();
  const data = encrypt(keys, secret, placeOf(id));
  const challenge = { purpose, userId: id, lifetimeMs, data, transport } as const;
  // At most one for each user: a session could start any number.
  await voidChallenges(database, id, [purpose]);
  const created = await createChallenge(database, scope, challenge);
  return { ...created, ...setupOf(secret, { issuer: publicUrl.hostname, label: email }) };
}

/** The place of a secret that is not confirmed yet. */
function placeOf(userId: bigint): SecretPlace {
  return { table: 'Challenge', column: 'data', row: String(userId) };
}

export type AppConfirmation = {
  /** The secret of the challenge that `startAuthenticatorApp` created. */
  challenge: string;
  /** A code of the app. */
  code: string;
  signIn: string | null;
  visitor: Visitor | null;
};

/**
 * Adds the authenticator app after a code of it, as the second factor of the account. An app from before is replaced:
 * its codes are rejected, and devices that skip the second factor ask for it again. Mails the user.
 *
 * @throws ChallengeInvalidError
 * @throws InvalidCredentialsError for a wrong code, and while a link has restored the password: see `changeFactors`.
 *   The challenge stays valid then.
 * @throws RateLimitedError after too many wrong codes.
 * @throws AccountSuspendedError for a sign-in
 */
export async function confirmAuthenticatorApp(
  database: Database,
  scope: Scope,
  { challenge: secret, code, signIn, visitor }: AppConfirmation,
  policies: AppPolicies,
): Promise<Enrolled> {
  const { now } = scope;
  const { encryptionKeys: keys } = policies;
  if (keys === null) throw new EncryptionKeysMissingError();
  const enroller = await findEnroller(database, scope, signIn);
  const { id } = enroller.user;
  const challenge = await findChallenge(database, scope, purpose, secret);
  if (challenge.userId !== id) throw new ChallengeInvalidError('UNKNOWN');
  const totpSecret = decrypt(keys, challenge.data ?? '', placeOf(id));
  const attempt = { accountKey: secondFactorKeyOf({ id }), isTrustedDevice: true, policy: policies.attempts };
  return withAttempt(database, scope, attempt, async (succeed) => {
    const step = await withAnswer(database, challenge, async () => requireStep(totpSecret, code, now));
    return inTransaction(database, async (db) => {
      const before = await lockEnroller(db, enroller);
      await redeemChallenge(db, challenge, now);
      const isReplaced = (await db.authenticatorApp.findUnique({ where: { userId: id } })) !== null;
      const type = isReplaced ? 'FACTOR_REPLACED' : 'FACTOR_ADDED';
      const user = await changeFactors(db, scope, { before, type, kind: 'TOTP' }, async () => {
        await saveAuthenticatorApp(db, keys, { userId: id, secret: totpSecret, step }, now);
        await endSkips(db, id, now);
        return db.user.update({ where: { id }, data: { secondFactorSince: before.secondFactorSince ?? now } });
      });
      await succeed(db);
      return finishEnrolment(db, scope, { enroller, before, user, method: 'totp', visitor }, policies);
    });
  });
}

function requireStep(secret: string, code: string, now: Date): number {
  const step = stepOf(secret, code, now);
  if (step === null) throw wrongCode();
  return step;
}
