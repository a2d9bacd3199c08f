import type { AttemptPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { InvalidCredentialsError, TokenInvalidError } from '../errors.ts';
import { withHashingSlot } from '../passwords/hashing-queue.ts';
import { requirePassword } from '../passwords/password.ts';
import type { Scope } from '../scope.ts';
import { withAttempt } from '../throttle/attempts.ts';
import { quarterMs, requireAttemptFrom } from '../throttle/requests.ts';
import { isTrustedDevice, trustOfDevice } from '../tokens/trusted-device.ts';
import { findUserToken, redeemUserToken, type TokenPurpose, type UserToken } from '../tokens/user-token.ts';
import { accountKeyOf } from '../users/email.ts';
import type { User } from '../users/user.ts';
import { attemptOf, inTransactionOf, type Policies, recordWrong } from './prove-password.ts';

/** The token of a link, and the password of its user if the link is not followed in a session of theirs. */
export type FollowedLink = { token: string; password: string | null };

type Link = FollowedLink & { purpose: TokenPurpose; policies: Policies };

/**
 * Redeems a link to an account, and runs the act that the link is for in the same transaction. The link proves access
 * to the mailbox, not to the account: an attacker who signs up with the address of another person, or asks to change to
 * it, hopes that its owner follows the link (account pre-hijacking). So the link works only in a session of the
 * account's user, or with their password. A user without either asks for a new password by mail.
 *
 * @throws TokenInvalidError
 * @throws InvalidCredentialsError without such a session and the password. The link stays valid then.
 * @throws RateLimitedError after too many wrong passwords.
 */
export async function followLink<T>(
  database: Database,
  scope: Scope,
  { purpose, token, password, policies }: Link,
  act: (db: Db, token: UserToken) => Promise<T>,
): Promise<T> {
  const { now } = scope;
  const found = await findUserToken(database, purpose, token, now);
  if (!found?.user) throw new TokenInvalidError();
  const redeem = async (db: Db) => act(db, await redeemUserToken(db, purpose, token, now));
  if (scope.session?.userId === found.user.id) return inTransaction(database, redeem);
  if (password === null) {
    throw new InvalidCredentialsError('Log in as the user of this link first, or give the password of the account.');
  }
  const check = { user: found.user, accountKey: accountKeyOf(found.user.email), password, policies };
  return withHashingSlot(
    policies.passwords,
    () => withPassword(database, scope, check, redeem),
    trustOfDevice(database, scope, check.accountKey),
  );
}

/**
 * Returns the token of a link that needs neither a session nor the password. Only invalid links count, so that a user
 * with a valid one never waits for others behind the same IP address.
 *
 * @throws TokenInvalidError, or RateLimitedError after too many invalid links from one IP address.
 */
export async function requireLink(
  database: Database,
  scope: Scope,
  { purpose, token }: { purpose: TokenPurpose; token: string },
  { perAddress }: AttemptPolicy,
): Promise<UserToken & { user: User }> {
  const found = await findUserToken(database, purpose, token, scope.now);
  if (found?.user) return { ...found, user: found.user };
  await requireAttemptFrom(database, scope, { kind: 'links', points: perAddress, durationMs: quarterMs });
  throw new TokenInvalidError();
}

type PasswordCheck = { user: User; accountKey: string; password: string; policies: Policies };

async function withPassword<T>(
  database: Database,
  scope: Scope,
  { user, accountKey, password, policies: { passwords, attempts } }: PasswordCheck,
  act: (db: Db) => Promise<T>,
): Promise<T> {
  const isTrusted = await isTrustedDevice(database, scope, accountKey);
  const attempt = attemptOf(database, scope, { user, isTrustedDevice: isTrusted, policy: attempts });
  const failed = { type: 'PASSWORD_CHECK_FAILED', userId: user.id, actorId: null, sessionHandle: null } as const;
  const prove = async ({ hashedPassword }: User) => {
    await recordWrong(database, scope, failed, () => requirePassword(password, hashedPassword, passwords));
    return null;
  };
  return withAttempt(database, scope, attempt, async (succeed) => {
    const proven = { user, rehashed: await prove(user), prove };
    return inTransactionOf(database, proven, async (db) => {
      const result = await act(db);
      await succeed(db);
      return result;
    });
  });
}
