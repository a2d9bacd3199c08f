import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { InvalidCredentialsError, TokenInvalidError } from '../errors.ts';
import { type Origin, recordEvent } from '../events/record.ts';
import { type HashingSlot, withHashingSlot } from '../passwords/hashing-queue.ts';
import { verifyPassword } from '../passwords/password.ts';
import { withAttempt } from '../throttle/attempts.ts';
import { isKnownDevice, trustOfDevice } from '../tokens/trusted-device.ts';
import { findUserToken, redeemUserToken, type TokenPurpose, type UserToken } from '../tokens/user-token.ts';
import { lockUserWithPassword, type User } from '../users/user.ts';
import type { Policies } from './prove-password.ts';
import { overRewrittenHash } from './rewritten-hash.ts';

/** The token of a link and, where it is not followed in a session of its user, their password. */
export type FollowedLink = { token: string; password: string | null };

/** Who follows a link, from where and when, and by what their password is judged. */
export type LinkRequest = { policies: Policies; origin: Origin; deviceToken: string | null; now: Date };

/**
 * Does what a link to an account is for, in the transaction that uses the link up. The link proves that somebody reads
 * the mailbox, and not that they have the account: whoever signs up with the address of somebody else, or asks to
 * change to it, hopes that its owner follows the link (account pre-hijacking). So it counts only in a session of the
 * user of the account, or with their password. A user who has neither asks for a new password by mail.
 *
 * @throws TokenInvalidError
 * @throws InvalidCredentialsError without such a session and the password. The link can still be used then.
 * @throws RateLimitedError if too many passwords were wrong before.
 */
export async function followLink<T>(
  database: Database,
  link: FollowedLink & { purpose: TokenPurpose },
  request: LinkRequest,
  act: (db: Db, token: UserToken) => Promise<T>,
): Promise<T> {
  const { purpose, token, password } = link;
  const { policies, origin, now } = request;
  const found = await findUserToken(database, purpose, token, now);
  if (!found?.user) throw new TokenInvalidError();
  const redeem = async (db: Db) => act(db, await redeemUserToken(db, purpose, token, now));
  if (origin.session?.userId === found.user.id) return inTransaction(database, redeem);
  if (password === null) {
    throw new InvalidCredentialsError('Log in as the user of this link first, or give the password of the account.');
  }
  return overRewrittenHash(database, found.user, (user) =>
    withHashingSlot(
      policies.passwords,
      (slot) => withPassword(database, { user, password, slot }, request, redeem),
      trustOfDevice(database, request.deviceToken, user.email, now),
    ),
  );
}

async function withPassword<T>(
  database: Database,
  { user, password, slot }: { user: User; password: string; slot: HashingSlot },
  { policies, origin, deviceToken, now }: LinkRequest,
  act: (db: Db) => Promise<T>,
): Promise<T> {
  const { email, hashedPassword } = user;
  const attempt = {
    email,
    device: origin.device,
    isKnownDevice: await isKnownDevice(database, deviceToken, email, now),
  };
  return withAttempt(database, attempt, policies.attempts, now, async (succeed) => {
    if (!(await verifyPassword(password, hashedPassword, policies.passwords, slot))) {
      const failed = { type: 'PASSWORD_CHECK_FAILED', userId: user.id, actorId: null, sessionHandle: null } as const;
      await recordEvent(database, failed, origin, now);
      throw new InvalidCredentialsError();
    }
    return inTransaction(database, async (db) => {
      await lockUserWithPassword(db, user);
      const result = await act(db);
      await succeed(db);
      return result;
    });
  });
}
