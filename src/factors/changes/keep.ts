import type { Db } from '../../database/database.ts';
import type { User } from '../../generated/sqlite/client.ts';
import { countOnce } from '../../throttle/rate-limit.ts';
import { type AccountChange, type AccountChangeType, keepChange } from '../../users/account-changes.ts';
import { factorsOf, formatFactors } from './kept-factors.ts';

/**
 * Keeps the state of a locked user before a change, with the factors, in the transaction of the change. Returns null as
 * `keepChange` does.
 */
export async function keepAccount(
  db: Db,
  before: User,
  type: AccountChangeType,
  now: Date,
): Promise<AccountChange | null> {
  return keepChange(db, before, { type, factors: formatFactors(await factorsOf(db, before)) }, now);
}

/** Each change is kept with all factors, is mailed, and is read again by an undo. Nobody needs more of them in a day. */
const limit = { points: 40, durationMs: 24 * 3_600_000 };

/**
 * Counts a change that a user makes, in its transaction. Passwords and factors are counted apart: a thief who knows the
 * password must not keep the owner from removing a factor.
 *
 * @throws RateLimitedError after 40 changes in a day.
 */
export async function countChange(
  db: Db,
  kind: 'factor-changes' | 'password-changes',
  { id }: Pick<User, 'id'>,
  now: Date,
): Promise<void> {
  await countOnce(db, [{ key: `${kind}:${id}`, ...limit }], now);
}
