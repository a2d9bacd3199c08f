import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { FactorNotFoundError } from '../../errors.ts';
import { changeFactors } from '../../factors/changes/change-factors.ts';
import { countRecoveryCodes, replaceRecoveryCodes } from '../../factors/recovery-codes.ts';
import { listEnrolledFactors } from '../../factors/second-factors.ts';
import type { UserScope } from '../../scope.ts';
import { endSkips } from '../../tokens/trusted-device.ts';
import { type FactorProofPolicies, requireProofForFactors } from './enrolment.ts';
import { lockSessionUser } from './session-user.ts';

/**
 * Creates new recovery codes for the signed-in user, which replace all earlier ones. Devices that skip the second factor
 * ask for it again. Mails the user.
 *
 * @throws ReauthenticationRequiredError without recent proofs.
 * @throws RequestError if the session has ended meanwhile.
 * @throws FactorNotFoundError for an account without a second factor, which the codes could replace.
 * @throws InvalidCredentialsError while a link has restored the password: see `changeFactors`.
 */
export function createRecoveryCodes(
  database: Database,
  scope: UserScope,
  policies: FactorProofPolicies,
): Promise<string[]> {
  const { id } = scope.session.user;
  requireProofForFactors(scope, policies);
  return inTransaction(database, async (db) => {
    const before = await lockSessionUser(db, scope);
    if ((await listEnrolledFactors(db, id)).length === 0) throw new FactorNotFoundError();
    const type = (await countRecoveryCodes(db, id)) > 0 ? 'FACTOR_REPLACED' : 'FACTOR_ADDED';
    return changeFactors(db, scope, { before, type, kind: 'RECOVERY_CODES' }, async () => {
      await endSkips(db, id, scope.now);
      return replaceRecoveryCodes(db, id, scope.now);
    });
  });
}
