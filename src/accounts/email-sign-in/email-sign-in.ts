/** Sign-ins by a mailed link or code: the data of their challenges, and the end of each. */
import type { Config, EmailSignInPolicy } from '../../config/config.ts';
import type { Database, Db } from '../../database/database.ts';
import type { EncryptionKeys } from '../../encryption/keys.ts';
import { ChallengeInvalidError, EmailTakenError, RequestError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import type { Challenge } from '../../generated/sqlite/client.ts';
import { parseObject } from '../../json.ts';
import { actingAs, type Scope, type Transport } from '../../scope.ts';
import type { SessionRequest } from '../../sessions/start.ts';
import { resetFailures } from '../../throttle/attempts.ts';
import { requireAttemptFrom } from '../../throttle/requests.ts';
import { redeemChallenge } from '../../tokens/challenge.ts';
import { makeRoomForDevice, type TrustedDevice } from '../../tokens/trusted-device.ts';
import { requireUnreserved } from '../../users/account-changes.ts';
import { findAndLockUser } from '../../users/lock.ts';
import { createUser, prepareAccount, type User } from '../../users/user.ts';
import { type CompletePolicies, completeSignIn, type SignInResult } from '../sign-in.ts';
import { claimAccount, isUnproved } from '../sign-ins/claim.ts';
import { accountState } from '../sign-ins/pending.ts';

export const purpose = 'EMAIL_SIGN_IN';

/** OWASP ASVS 5.0, 6.5.5: at most ten minutes. */
export const lifetimeMs = 10 * 60_000;

const hourMs = 3_600_000;

type Policies = Pick<Config, 'emailSignIn' | 'encryptionKeys'>;

export type EmailSignInPolicies = Policies & CompletePolicies & Pick<Config, 'attempts'>;

/** Returns the policy, with the keys of the codes. @throws RequestError on a server without sign-in by email. */
export function requireEmailSignIn({ emailSignIn, encryptionKeys: keys }: Policies): EmailSignInPolicy & {
  keys: EncryptionKeys;
} {
  if (emailSignIn !== null && keys !== null) return { ...emailSignIn, keys };
  throw new RequestError(
    'EMAIL_SIGN_IN_DISABLED',
    'This server does not sign users in by email. The operator turns it on with EMAIL_SIGN_IN.',
  );
}

/** A request for a sign-in, as its challenge stores it. */
export type StoredRequest = {
  /** The address that is mailed. */
  email: string;
  transport: Transport;
  /** The state of the account: a change of it ends the sign-in. */
  account: string;
};

/** Formats a request for storage. Without a user, the form is the same. */
export function formatRequest({
  email,
  transport,
  user,
}: Omit<StoredRequest, 'account'> & { user: User | null }): string {
  return JSON.stringify({ email, transport, account: accountState(user) } satisfies StoredRequest);
}

/** Returns the request that a challenge stores. */
export function requestOf({ data }: Challenge): StoredRequest {
  const { email, transport, account } = (data && parseObject(data)) || {};
  return { email: String(email), transport: transport === 'BEARER' ? 'BEARER' : 'COOKIE', account: String(account) };
}

export type AnsweredRequest = Pick<SessionRequest, 'transport' | 'isRemembered' | 'visitor'> & {
  challenge: Challenge;
  trustedDevice: TrustedDevice | null;
};

/**
 * Prepares the completion of a sign-in, before its transaction: limits new accounts per IP address like other sign-ups,
 * and makes room for a trusted device.
 *
 * @throws RateLimitedError
 * @throws ChallengeInvalidError for a new account, if the operator has turned sign-up off since the request.
 */
export async function prepareCompletion(
  database: Database,
  scope: Scope,
  { challenge: { userId }, trustedDevice }: Pick<AnsweredRequest, 'challenge' | 'trustedDevice'>,
  { attempts, emailSignIn }: EmailSignInPolicies,
): Promise<void> {
  if (userId === null) {
    if (!emailSignIn?.createsAccounts) throw new ChallengeInvalidError('EXPIRED');
    const limit = { kind: 'sign-ups', points: attempts.signUpsPerAddress, durationMs: hourMs };
    await requireAttemptFrom(database, scope, limit);
  } else if (trustedDevice === null) {
    await makeRoomForDevice(database, userId);
  }
}

/**
 * Completes a sign-in whose mail was answered, in the transaction that uses the answer up: starts the session, or asks
 * for the second factor. Creates the account if the address had none. The code and the link share the challenge, so that
 * one voids the other.
 *
 * @throws ChallengeInvalidError if the challenge was used, or if the address or the password has changed since.
 * @throws AccountSuspendedError
 */
export async function completeEmailSignIn(
  db: Db,
  scope: Scope,
  { challenge, trustedDevice, ...request }: AnsweredRequest,
  policies: CompletePolicies,
): Promise<SignInResult> {
  const proof = { methods: ['email'], at: scope.now } as const;
  const { userId } = challenge;
  // The user before the challenge, as a deletion locks them.
  const found = userId === null ? null : await findAndLockUser(db, userId);
  await redeemChallenge(db, challenge, scope.now);
  if (userId === null) {
    const user = await createAccount(db, scope, challenge);
    return completeSignIn(db, scope, { ...request, user, proof, type: 'SIGNED_UP' }, policies);
  }
  const isSame = found !== null && accountState(found) === requestOf(challenge).account;
  if (!isSame) throw new ChallengeInvalidError('EXPIRED');
  const isClaimed = isUnproved(found);
  const user = isClaimed ? await claimAccount(db, scope, found) : found;
  // The account has no trusted devices from before any more.
  const device = { trustedDevice: isClaimed ? null : trustedDevice };
  return completeSignIn(db, scope, { ...request, ...device, user, proof, type: 'LOGGED_IN' }, policies);
}

/** Creates the account without a password. Its address is proved. */
async function createAccount(db: Db, scope: Scope, challenge: Challenge): Promise<User> {
  const { now } = scope;
  try {
    const account = prepareAccount({ email: requestOf(challenge).email });
    const user = await createUser(db, { ...account, hashedPassword: null, emailVerifiedAt: now });
    await requireUnreserved(db, user.email, user.id, now);
    await recordEvent(db, actingAs(scope, user), { type: 'EMAIL_VERIFIED', userId: user.id });
    // Deletes the counts of attempts from before the address had an account.
    await resetFailures(db, user.email);
    return user;
  } catch (error) {
    // Another request has created it since, perhaps by the same mailbox.
    throw error instanceof EmailTakenError ? new ChallengeInvalidError('EXPIRED') : error;
  }
}
