import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { AccountSuspendedError, ChallengeInvalidError, TokenInvalidError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import type { Challenge } from '../../generated/sqlite/client.ts';
import { challengeOf } from '../../mail/link.ts';
import type { Scope } from '../../scope.ts';
import type { SessionRequest } from '../../sessions/start.ts';
import { deleteCounts, emailCodeKeyOf } from '../../throttle/attempts.ts';
import { quarterMs, requireAttemptFrom } from '../../throttle/requests.ts';
import { findOpenChallenge } from '../../tokens/challenge.ts';
import { findTrustedDevice } from '../../tokens/trusted-device.ts';
import { findUserToken, redeemUserToken } from '../../tokens/user-token.ts';
import { accountKeyOf } from '../../users/email.ts';
import { isPending, type SignInResult } from '../sign-in.ts';
import {
  completeEmailSignIn,
  type EmailSignInPolicies,
  prepareCompletion,
  purpose,
  requestOf,
  requireEmailSignIn,
} from './email-sign-in.ts';

/**
 * Signs a user in by the link in a mail, on any device: its holder reads the mailbox. Wrong codes do not void it, so
 * that a stranger who gives them stops nobody.
 *
 * @throws RequestError on a server without sign-in by email.
 * @throws TokenInvalidError, or RateLimitedError after too many invalid links from one IP address.
 * @throws AccountSuspendedError
 */
export async function signInWithEmailLink(
  database: Database,
  scope: Scope,
  { token, ...session }: SessionRequest & { token: string },
  policies: EmailSignInPolicies,
): Promise<SignInResult> {
  requireEmailSignIn(policies);
  const challenge = await requireLinkedChallenge(database, scope, token, policies);
  const { email } = requestOf(challenge);
  const trustedDevice = await findTrustedDevice(database, scope, accountKeyOf(email));
  try {
    await prepareCompletion(database, scope, { challenge, trustedDevice }, policies);
    return await inTransaction(database, async (db) => {
      await redeemUserToken(db, purpose, token, scope.now);
      const result = await completeEmailSignIn(db, scope, { ...session, challenge, trustedDevice }, policies);
      if (!isPending(result)) await deleteCounts(db, emailCodeKeyOf(email));
      return result;
    });
  } catch (error) {
    if (error instanceof AccountSuspendedError) {
      await recordEvent(database, scope, { type: 'LOGIN_REFUSED', userId: challenge.userId, sessionHandle: null });
    }
    throw error instanceof ChallengeInvalidError ? new TokenInvalidError() : error;
  }
}

/** Only invalid links count, so that the holder of a valid one never waits for others behind the same IP address. */
async function requireLinkedChallenge(
  database: Database,
  scope: Scope,
  token: string,
  { attempts }: EmailSignInPolicies,
): Promise<Challenge> {
  const found = await findUserToken(database, purpose, token, scope.now);
  const challenge = found && (await findOpenChallenge(database, challengeOf(found.data), scope.now));
  if (challenge) return challenge;
  await requireAttemptFrom(database, scope, { kind: 'links', points: attempts.perAddress, durationMs: quarterMs });
  throw new TokenInvalidError();
}
