import type { Db } from '../../database/database.ts';
import { LastFactorError } from '../../errors.ts';
import { hasPasskey } from '../../factors/passkeys/passkey.ts';
import type { User } from '../../users/user.ts';

/**
 * Requires that a user can still sign in, in the transaction that has removed a factor: with a password or a passkey.
 *
 * @throws LastFactorError
 */
export async function requireOtherWayIn(db: Db, { id, hashedPassword }: User): Promise<void> {
  if (hashedPassword === null && !(await hasPasskey(db, id))) throw new LastFactorError();
}
