import type { Database, Db } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { FactorNotFoundError, SecondFactorNeededError } from '../../errors.ts';
import { changeFactors } from '../../factors/changes/change-factors.ts';
import { createFirstRecoveryCodes, deleteRecoveryCodes } from '../../factors/recovery-codes.ts';
import { listEnrolledFactors } from '../../factors/second-factors.ts';
import type { UserScope } from '../../scope.ts';
import { endSessionsWithoutSecondFactor, needsSecondFactor } from '../../sessions/assurance/second-factor.ts';
import { requireProof } from '../../sessions/proof.ts';
import { endSkips } from '../../tokens/trusted-device.ts';
import type { User } from '../../users/user.ts';
import type { FactorProofPolicies } from './enrolment.ts';
import { lockSessionUser } from './session-user.ts';

export type ChangedRequirement = {
  user: User;
  /** The new recovery codes, shown once. Null if the account had codes, or needs none any more. */
  recoveryCodes: string[] | null;
};

/**
 * Decides for the signed-in user whether sign-ins need a second factor. Both need recent proofs of two factors: so the
 * user can give the second one, and the session of the request has it. Devices that skip the second factor ask for it
 * again.
 *
 * @throws ReauthenticationRequiredError
 * @throws RequestError if the session has ended meanwhile.
 * @throws FactorNotFoundError for the need of a second factor that the user does not have.
 * @throws InvalidCredentialsError while a link has restored the password: see `changeFactors`.
 * @throws SecondFactorNeededError if it is needed all the same: by the role, or for an authenticator app.
 */
export function requireSecondFactor(
  database: Database,
  scope: UserScope,
  isRequired: boolean,
  policies: FactorProofPolicies,
): Promise<ChangedRequirement> {
  const { id } = scope.session.user;
  requireProof(scope, { withinMs: policies.reauthenticateAfterMs, level: 2 });
  return inTransaction(database, async (db) => {
    const before = await lockSessionUser(db, scope);
    if ((before.secondFactorSince !== null) === isRequired) return { user: before, recoveryCodes: null };
    await endSkips(db, id, scope.now);
    return isRequired ? turnOn(db, scope, before, policies) : turnOff(db, scope, before, policies);
  });
}

async function turnOn(
  db: Db,
  scope: UserScope,
  before: User,
  { secondFactor }: FactorProofPolicies,
): Promise<ChangedRequirement> {
  const { id } = before;
  if ((await listEnrolledFactors(db, id)).length === 0) throw new FactorNotFoundError();
  const user = await changeFactors(db, scope, { before, type: 'SECOND_FACTOR_TURNED_ON', kind: null }, () =>
    db.user.update({ where: { id }, data: { secondFactorSince: scope.now } }),
  );
  await endSessionsWithoutSecondFactor(db, scope, user, secondFactor);
  return { user, recoveryCodes: await createFirstRecoveryCodes(db, scope, id) };
}

async function turnOff(
  db: Db,
  scope: UserScope,
  before: User,
  { secondFactor }: FactorProofPolicies,
): Promise<ChangedRequirement> {
  const { id } = before;
  if ((await listEnrolledFactors(db, id)).includes('TOTP')) throw new SecondFactorNeededError('AUTHENTICATOR_APP');
  if (needsSecondFactor({ ...before, secondFactorSince: null }, secondFactor))
    throw new SecondFactorNeededError('ROLE');
  const user = await changeFactors(db, scope, { before, type: 'SECOND_FACTOR_TURNED_OFF', kind: null }, () =>
    db.user.update({ where: { id }, data: { secondFactorSince: null } }),
  );
  await deleteRecoveryCodes(db, scope, id);
  return { user, recoveryCodes: null };
}
