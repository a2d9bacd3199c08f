import type { Database } from '../../../database/database.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { notSignedIn } from '../../../errors.ts';
import type { Scope } from '../../../scope.ts';
import {
  type CreatedChallenge,
  createChallenge,
  type NewChallenge,
  voidOldChallenges,
} from '../../../tokens/challenge.ts';
import { findAndLockUser } from '../../../users/lock.ts';

/** The started operations of a user for one purpose. A session could start any number. */
const maxStarted = 5;

/**
 * Creates the challenge of an operation that a user starts. Of the operations of a user for this purpose, the newest
 * five can be finished: more tabs than one, and a passkey that a browser makes by itself beside them, but not any number.
 *
 * @throws RequestError if the user was deleted meanwhile.
 */
export function startForUser(
  database: Database,
  scope: Scope,
  challenge: NewChallenge & { userId: bigint },
): Promise<CreatedChallenge> {
  const { userId, purpose } = challenge;
  return inTransaction(database, async (db) => {
    // Many starts at once would not see each other's rows.
    if ((await findAndLockUser(db, userId)) === null) throw notSignedIn();
    await voidOldChallenges(db, { userId, purpose, keep: maxStarted - 1 });
    return createChallenge(db, scope, challenge);
  });
}
