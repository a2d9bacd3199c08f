import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { notSignedIn, ValidationError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import type { UserScope } from '../../scope.ts';
import { nameIssue } from '../../users/field-issues.ts';
import type { User } from '../../users/user.ts';

/**
 * Changes or, if it is empty, removes the name of the signed-in user, and returns the updated user.
 *
 * @throws ValidationError for an invalid name.
 * @throws RequestError if the account was deleted.
 */
export function updateProfile(database: Database, scope: UserScope, profile: { name: string | null }): Promise<User> {
  const name = profile.name?.trim() || null;
  const issue = nameIssue(name);
  if (issue !== null) throw new ValidationError([issue]);
  const { id } = scope.session.user;
  return inTransaction(database, async (db) => {
    const [user] = await db.user.updateManyAndReturn({ where: { id }, data: { name } });
    if (!user) throw notSignedIn();
    if (name !== scope.session.user.name) await recordEvent(db, scope, { type: 'PROFILE_CHANGED', userId: id });
    return user;
  });
}
