/** The removal of a factor by its user. */
import type { Config } from '../../config/config.ts';
import type { Db } from '../../database/database.ts';
import { LastFactorError } from '../../errors.ts';
import { changeFactors } from '../../factors/changes/change-factors.ts';
import type { FactorKind } from '../../factors/changes/notices.ts';
import { deleteRecoveryCodes } from '../../factors/recovery-codes.ts';
import { listEnrolledFactors } from '../../factors/second-factors.ts';
import type { Scope } from '../../scope.ts';
import { needsSecondFactor } from '../../sessions/assurance/second-factor.ts';
import { voidChallenges } from '../../tokens/challenge.ts';
import { endSkips } from '../../tokens/trusted-device.ts';
import type { User } from '../../users/user.ts';

export type Removal = {
  /** The user as the transaction has locked them. */
  before: User;
  kind: FactorKind;
  /** Deletes the row of the factor, or refuses to. */
  remove: () => Promise<void>;
};

/**
 * Removes a factor of a user, in its transaction. An account without any second factor needs none any more, and no
 * recovery codes, which replace one. Devices that skip the second factor ask for it again, and no authentication that has
 * begun can be finished. Returns the changed user.
 *
 * @throws LastFactorError if the role of the user needs a second factor, and none is left.
 * @throws RateLimitedError or InvalidCredentialsError as `changeFactors` does.
 */
export function removeFactor(
  db: Db,
  scope: Scope,
  { before, kind, remove }: Removal,
  { secondFactor }: Pick<Config, 'secondFactor'>,
): Promise<User> {
  const { id } = before;
  return changeFactors(db, scope, { before, type: 'FACTOR_REMOVED', kind }, async () => {
    await remove();
    const isLeft = await needsFactorStill(db, id);
    const secondFactorSince = isLeft ? before.secondFactorSince : null;
    if (!isLeft && needsSecondFactor({ ...before, secondFactorSince }, secondFactor)) {
      throw new LastFactorError(
        'The role of this account needs a second factor, and this is the last one. Add another.',
      );
    }
    const user = await db.user.update({ where: { id }, data: { secondFactorSince } });
    if (!isLeft) await deleteRecoveryCodes(db, scope, id);
    await endSkips(db, id, scope.now);
    await voidChallenges(db, id);
    return user;
  });
}

/**
 * Returns whether an account that needs a second factor needs one still, after the removal of a factor: as long as it
 * has another one. The removal of one of several must not turn the protection off without a word.
 */
export async function needsFactorStill(db: Db, userId: bigint): Promise<boolean> {
  return (await listEnrolledFactors(db, userId)).length > 0;
}
