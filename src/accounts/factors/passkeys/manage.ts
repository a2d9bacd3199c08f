import type { Database } from '../../../database/database.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { FactorNotFoundError, ValidationError } from '../../../errors.ts';
import type { Passkey } from '../../../factors/passkeys/passkey.ts';
import type { UserScope } from '../../../scope.ts';
import { nameIssue } from '../../../users/field-issues.ts';
import { type FactorProofPolicies, requireProofForFactors } from '../enrolment.ts';
import { requireOtherWayIn } from '../last-way-in.ts';
import { removeFactor } from '../removal.ts';
import { lockSessionUser } from '../session-user.ts';

/** Returns the name for a passkey. Null if it is empty. @throws ValidationError */
export function requirePasskeyName(given: string | null): string | null {
  const name = given?.trim() || null;
  const issue = nameIssue(name);
  if (issue !== null) throw new ValidationError([issue]);
  return name;
}

/**
 * Renames a passkey of the signed-in user, and returns it.
 *
 * @throws ValidationError for an invalid name.
 * @throws FactorNotFoundError, in the same way for an unknown passkey and for one of another user.
 */
export async function renamePasskey(
  database: Database,
  { session }: UserScope,
  { id, name: given }: { id: bigint; name: string | null },
): Promise<Passkey> {
  const name = requirePasskeyName(given);
  const where = { id, userId: session.user.id };
  const [passkey] = await database.passkey.updateManyAndReturn({ where, data: { name } });
  if (!passkey) throw new FactorNotFoundError();
  return passkey;
}

/**
 * Deletes a passkey of the signed-in user, and mails the user. An account without a second factor left needs none.
 *
 * @throws ReauthenticationRequiredError in a session without recent proofs.
 * @throws FactorNotFoundError, in the same way for an unknown passkey and for one of another user.
 * @throws LastFactorError if the user could not sign in without it, or if the role needs it as the second factor.
 * @throws InvalidCredentialsError while a link has restored the password: see `changeFactors`.
 */
export async function deletePasskey(
  database: Database,
  scope: UserScope,
  id: bigint,
  policies: FactorProofPolicies,
): Promise<void> {
  requireProofForFactors(scope, policies);
  await inTransaction(database, async (db) => {
    const before = await lockSessionUser(db, scope);
    const remove = async () => {
      const { count } = await db.passkey.deleteMany({ where: { id, userId: before.id } });
      if (count === 0) throw new FactorNotFoundError();
      await requireOtherWayIn(db, before);
    };
    await removeFactor(db, scope, { before, kind: 'PASSKEY', remove }, policies);
  });
}
