import type { Db } from '../../database/database.ts';
import { recordEvent } from '../../events/record.ts';
import { actingAs, type Scope } from '../../scope.ts';
import { requireUnrestored } from '../../users/account-changes.ts';
import type { User } from '../../users/user.ts';
import { countChange, keepAccount } from './keep.ts';
import { type FactorChange, mailFactorChange } from './notices.ts';

/** A change of the factors of a user. */
export type ChangeOfUser = FactorChange & {
  /** The user as the transaction has locked them. */
  before: User;
};

/**
 * Changes the factors of a user, in a transaction: keeps their state, runs the change, records the event and mails the
 * user, with a link that undoes the change. Every change that a user makes goes through this.
 *
 * @throws RateLimitedError after 40 changes in a day.
 * @throws InvalidCredentialsError for 72 hours after an undo: the thief, whose change was undone, may know the restored
 *   password, and could make the change once more.
 */
export async function changeFactors<T>(
  db: Db,
  scope: Scope,
  { before, type, kind }: ChangeOfUser,
  make: () => Promise<T>,
): Promise<T> {
  await requireUnrestored(db, before.id, scope.now);
  await countChange(db, 'factor-changes', before, scope.now);
  const kept = await keepAccount(db, before, type, scope.now);
  const result = await make();
  await recordEvent(db, actingAs(scope, before), { type, userId: before.id, detail: kind });
  await mailFactorChange(db, before, { type, kind, kept }, scope.now);
  return result;
}
