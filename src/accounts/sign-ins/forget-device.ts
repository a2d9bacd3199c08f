import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { DeviceNotFoundError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import type { UserScope } from '../../scope.ts';
import { whereTrusted } from '../../tokens/trusted-device.ts';

/**
 * Revokes the trust of one device of the signed-in user. Ends no session on it.
 *
 * @throws DeviceNotFoundError, in the same way for an unknown device and for one of another user.
 */
export async function forgetDevice(database: Database, scope: UserScope, id: bigint): Promise<void> {
  const userId = scope.session.user.id;
  await inTransaction(database, async (db) => {
    const { count } = await db.userToken.deleteMany({ where: { id, ...whereTrusted(userId, scope.now) } });
    if (count === 0) throw new DeviceNotFoundError();
    await recordEvent(db, scope, { type: 'DEVICE_FORGOTTEN', userId });
  });
}
