import { hash } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { notSignedIn, RequestError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { enqueueMail } from '../../mail/outbox.ts';
import type { UserScope } from '../../scope.ts';
import { countOnce } from '../../throttle/rate-limit.ts';
import { quarterMs, requireAttemptFrom } from '../../throttle/requests.ts';
import { claimUsername, reservationMs } from '../../users/claim-username.ts';
import { findAndLockUser } from '../../users/lock.ts';
import type { User } from '../../users/user.ts';
import { requireUsername, type Username } from '../../users/username.ts';

/** The maximum number of changes in the time of a reservation: each keeps a name from all others. */
const maxChanges = 5;

/**
 * Gives the signed-in user another username, or takes it away with null, and returns the user. Mails the user (OWASP
 * ASVS 5.0, 6.3.7).
 *
 * @throws ValidationError, UsernameTakenError
 * @throws RateLimitedError after five changes in 30 days, and after too many tries from one IP address.
 * @throws RequestError if this server has no usernames.
 */
export async function changeUsername(
  database: Database,
  scope: UserScope,
  text: string | null,
  { usernames, attempts }: Pick<Config, 'usernames' | 'attempts'>,
): Promise<User> {
  const { now } = scope;
  const { id } = scope.session.user;
  const username = allowUsername(text, usernames);
  const limit = { kind: 'usernames', points: attempts.perAddress, durationMs: quarterMs };
  await requireAttemptFrom(database, scope, limit);
  return inTransaction(database, async (db) => {
    const before = await findAndLockUser(db, id);
    if (before === null) throw notSignedIn();
    if (before.username === (username?.name ?? null)) return before;
    const key = `username-changes:${hash('sha256', String(id))}`;
    await countOnce(db, [{ key, points: maxChanges, durationMs: reservationMs }], now);
    const user = await claimUsername(db, before, username, { policy: usernames, now });
    await enqueueMail(db, { name: 'username-changed', recipient: user.email, userId: id }, now);
    await recordEvent(db, scope, { type: 'USERNAME_CHANGED', userId: id });
    return user;
  });
}

/**
 * Reads the username of a request, or returns null without one.
 *
 * @throws ValidationError for a text that can be no username.
 * @throws RequestError if this server has no usernames.
 */
export function allowUsername(text: string | null | undefined, { isEnabled }: Config['usernames']): Username | null {
  if (text == null) return null;
  if (isEnabled) return requireUsername(text);
  throw new RequestError(
    'BAD_USER_INPUT',
    'This server has no usernames. The operator allows them with USERNAMES=true.',
  );
}
