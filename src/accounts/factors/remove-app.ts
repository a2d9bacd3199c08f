import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { FactorNotFoundError } from '../../errors.ts';
import type { UserScope } from '../../scope.ts';
import type { User } from '../../users/user.ts';
import { type FactorProofPolicies, requireProofForFactors } from './enrolment.ts';
import { removeFactor } from './removal.ts';
import { lockSessionUser } from './session-user.ts';

export type RemovalPolicies = FactorProofPolicies & Pick<Config, 'secondFactor'>;

/**
 * Removes the authenticator app of the signed-in user. It needs recent proofs of two factors, as every change of the
 * factors of such an account does (NIST SP 800-63B-4 section 4.1.2.1 asks for the level that the account has). So one of
 * them is another factor than the app: a passkey, or the password with a security key, with a recovery code, or with a
 * code of the app itself. The last one is all that most users have, who change to another app, and a thief with a
 * session and the password lacks it.
 *
 * @throws ReauthenticationRequiredError without these proofs.
 * @throws FactorNotFoundError without an app.
 * @throws LastFactorError if the role of the user needs a second factor, and this is the last one.
 * @throws InvalidCredentialsError while a link has restored the password: see `changeFactors`.
 * @throws RequestError if the session has ended meanwhile.
 */
export async function removeAuthenticatorApp(
  database: Database,
  scope: UserScope,
  policies: RemovalPolicies,
): Promise<User> {
  requireProofForFactors(scope, policies);
  return inTransaction(database, async (db) => {
    const before = await lockSessionUser(db, scope);
    const remove = async () => {
      const { count } = await db.authenticatorApp.deleteMany({ where: { userId: before.id } });
      if (count === 0) throw new FactorNotFoundError();
    };
    return removeFactor(db, scope, { before, kind: 'TOTP', remove }, policies);
  });
}
