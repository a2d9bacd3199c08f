/** The end of each removal of a factor by its user. */
import type { Config } from '../../config/config.ts';
import type { Db } from '../../database/database.ts';
import { LastFactorError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { type FactorKind, mailFactorChange } from '../../factors/changes/notices.ts';
import { deleteRecoveryCodes } from '../../factors/recovery-codes.ts';
import { listEnrolledFactors } from '../../factors/second-factors.ts';
import { actingAs, type Scope } from '../../scope.ts';
import { needsSecondFactor } from '../../sessions/assurance/second-factor.ts';
import { voidChallenges } from '../../tokens/challenge.ts';
import { endSkips } from '../../tokens/trusted-device.ts';
import type { AccountChange } from '../../users/account-changes.ts';
import type { User } from '../../users/user.ts';

export type Removal = {
  /** The user as the transaction has locked them. */
  before: User;
  /** The state that `keepFactorChange` has kept. */
  change: AccountChange | null;
  kind: FactorKind;
};

/**
 * Finishes the removal of a factor, in its transaction, after the row is deleted. An account without any second factor
 * needs none any more, and no recovery codes, which replace one. Devices that skip the second factor ask for it again,
 * and no authentication that has begun can be finished. Records the event and mails the user. Returns the changed user.
 *
 * @throws LastFactorError if the role of the user needs a second factor, and none is left.
 */
export async function finishRemoval(
  db: Db,
  scope: Scope,
  { before, change, kind }: Removal,
  { secondFactor }: Pick<Config, 'secondFactor'>,
): Promise<User> {
  const { id } = before;
  const isLeft = await needsFactorStill(db, id);
  const secondFactorSince = isLeft ? before.secondFactorSince : null;
  if (!isLeft && needsSecondFactor({ ...before, secondFactorSince }, secondFactor)) {
    throw new LastFactorError('The role of this account needs a second factor, and this is the last one. Add another.');
  }
  const user = await db.user.update({ where: { id }, data: { secondFactorSince } });
  if (!isLeft) await deleteRecoveryCodes(db, scope, id);
  await endSkips(db, id, scope.now);
  await voidChallenges(db, id);
  const type = 'FACTOR_REMOVED';
  await recordEvent(db, actingAs(scope, user), { type, userId: id, detail: kind });
  await mailFactorChange(db, user, { change, type, kind }, scope.now);
  return user;
}

/**
 * Returns whether an account that needs a second factor needs one still, after the removal of a factor: as long as it
 * has another one. The removal of one of several must not turn the protection off without a word.
 */
export async function needsFactorStill(db: Db, userId: bigint): Promise<boolean> {
  return (await listEnrolledFactors(db, userId)).length > 0;
}
