import type { Db } from '../../../database/database.ts';
import { PasskeyRejectedError } from '../../../errors.ts';
import { recordEvent } from '../../../events/record.ts';
import type { Scope } from '../../../scope.ts';

/**
 * Records that a passkey may have been copied, if that is why its answer was rejected. Runs after the transaction that
 * the rejection has ended.
 */
export async function recordCloneSuspicion(db: Db, scope: Scope, error: unknown): Promise<void> {
  if (!(error instanceof PasskeyRejectedError) || error.reason !== 'COUNTER') return;
  await recordEvent(db, scope, { type: 'PASSKEY_CLONE_SUSPECTED', userId: error.userId, sessionHandle: null });
}
