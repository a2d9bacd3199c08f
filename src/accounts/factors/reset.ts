/** Resets of the factors of users who have lost them, by administrators and operators. */
import type { AttemptPolicy, Config } from '../../config/config.ts';
import type { Database, Db } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { FactorNotFoundError, RequestError, TokenInvalidError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { cancelReset, resetFactors } from '../../factors/changes/resets.ts';
import { listSecondFactors } from '../../factors/second-factors.ts';
import { resetOf } from '../../mail/link.ts';
import { enqueueMail } from '../../mail/outbox.ts';
import { actingAs, type Scope } from '../../scope.ts';
import type { Session } from '../../sessions/session.ts';
import { redeemUserToken } from '../../tokens/user-token.ts';
import { type FactorReset, findReset, type ResetReason } from '../../users/factor-resets.ts';
import { lockUser } from '../../users/lock.ts';
import type { User } from '../../users/user.ts';
import { requireLink } from '../follow-link.ts';

const purpose = 'REFUSE_FACTOR_RESET';

export type ResetRequest = { id: bigint; reason: ResetReason };

/**
 * Requests the reset of the factors of a user. It takes effect after a delay, in which the user can refuse it by a
 * mailed link, and in which a sign-in with a second factor cancels it: a thief must not get past the second factor by a
 * call to the administrators. Returns the pending reset, also if there is one already, which stays as it is.
 *
 * @throws UserNotFoundError
 * @throws FactorNotFoundError for a user without a second factor.
 * @throws RequestError for the administrator's own factors: with a stolen session, nobody should remove them.
 */
export async function requestFactorReset(
  database: Database,
  scope: Scope,
  { id, reason }: ResetRequest,
  { factorResetDelayMs }: Pick<Config, 'factorResetDelayMs'>,
): Promise<{ user: User; reset: FactorReset }> {
  requireOther(scope, id);
  return inTransaction(database, async (db) => {
    const user = await lockUser(db, id);
    const pending = await findReset(db, id);
    if (pending) return { user, reset: pending };
    await requireFactors(db, id);
    const { now, actorId } = scope;
    const dueAt = new Date(now.getTime() + factorResetDelayMs);
    const row = { createdAt: now, dueAt, userId: id, requestedById: actorId, reason };
    const reset = await db.factorReset.create({ data: row });
    await recordEvent(db, scope, { type: 'FACTOR_RESET_REQUESTED', userId: id, detail: reason });
    const mail = { name: 'factor-reset-requested', recipient: user.email, userId: id } as const;
    await enqueueMail(db, { ...mail, data: { reset: String(reset.id) } }, now);
    return { user, reset };
  });
}

/**
 * Resets the factors of a user at once, for an operator who has verified by other means that the person is the user.
 *
 * @throws UserNotFoundError, or FactorNotFoundError for a user without a second factor.
 */
export function resetFactorsNow(
  database: Database,
  scope: Scope,
  { id, reason }: ResetRequest,
): Promise<{ user: User; sessions: Session[] }> {
  return inTransaction(database, async (db) => {
    const before = await lockUser(db, id);
    await requireFactors(db, id);
    await recordEvent(db, scope, { type: 'FACTOR_RESET_REQUESTED', userId: id, detail: reason });
    return resetFactors(db, scope, before);
  });
}

/** Cancels the pending reset of a user. Does nothing if there is none. @throws UserNotFoundError */
export function cancelFactorReset(database: Database, scope: Scope, id: bigint): Promise<User> {
  return inTransaction(database, async (db) => {
    const user = await lockUser(db, id);
    await cancelReset(db, scope, id, 'CANCELLED');
    return user;
  });
}

/**
 * Refuses the pending reset of a user by the link that was mailed to the user. Returns the user.
 *
 * @throws TokenInvalidError, also after the reset took effect or was cancelled.
 * @throws RateLimitedError after too many invalid links from one IP address.
 */
export async function refuseFactorReset(
  database: Database,
  scope: Scope,
  token: string,
  attempts: AttemptPolicy,
): Promise<User> {
  const { user: owner } = await requireLink(database, scope, { purpose, token }, attempts);
  return inTransaction(database, async (db) => {
    const user = await lockUser(db, owner.id);
    const { data } = await redeemUserToken(db, purpose, token, scope.now);
    // A link refuses the reset that its mail is about, and no later one.
    if ((await findReset(db, user.id))?.id !== resetOf(data)) throw new TokenInvalidError();
    await cancelReset(db, actingAs(scope, user), user.id, 'REFUSED');
    return user;
  });
}

function requireOther({ session }: Scope, id: bigint): void {
  if (session?.userId !== id) return;
  throw new RequestError(
    'FORBIDDEN',
    'Administrators cannot reset their own factors. Ask another administrator, or an operator: reset-factors.',
  );
}

async function requireFactors(db: Db, id: bigint): Promise<void> {
  if ((await listSecondFactors(db, id)).length === 0) throw new FactorNotFoundError();
}
