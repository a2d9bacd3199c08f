import type { Config } from '../../config/config.ts';
import type { Database, Db } from '../../database/database.ts';
import { run } from '../../database/raw-sql.ts';
import { runConcurrently } from '../../database/transaction.ts';
import type { AuditEventType } from '../../events/record.ts';
import { Prisma } from '../../generated/sqlite/client.ts';
import { clientValues } from '../../mail/client-values.ts';
import { countMail, enqueueMail, isMailAllowed } from '../../mail/outbox.ts';
import type { Scope } from '../../scope.ts';
import { makeRoomForDevice } from '../../tokens/trusted-device.ts';
import type { User } from '../../users/user.ts';

const name = 'new-device';

/**
 * Makes room for a new trusted device of a user, before the transaction of the sign-in on it. Returns whether the user
 * is to be mailed about it (OWASP ASVS 5.0, 6.3.5).
 *
 * Nobody is mailed about the first sign-in to an account. The mailbox has a limit: without it, a program that logs in
 * again and again without a device token would flood it. The sign-ins beyond it are in the history of the user only.
 */
export async function prepareNewDevice(
  database: Database,
  { id, email }: User,
  { newDeviceMail }: Pick<Config, 'newDeviceMail'>,
  now: Date,
): Promise<boolean> {
  const [hadDevices, isAllowed] = await Promise.all([
    makeRoomForDevice(database, id),
    newDeviceMail && isMailAllowed(database, name, email, now),
  ]);
  return isAllowed && (hadDevices || (await hasSignedIn(database, id)));
}

const signIns: AuditEventType[] = ['SIGNED_UP', 'LOGGED_IN', 'PASSWORD_RESET'];

/** Returns whether a user whose devices are all forgotten has signed in before. Imported users may not have. */
async function hasSignedIn(database: Database, userId: bigint): Promise<boolean> {
  const types = Prisma.join(signIns);
  const rows = await run(
    database,
    Prisma.sql`SELECT 1 FROM "AuditEvent" WHERE "userId" = ${userId} AND "type" IN (${types}) LIMIT 1`,
  );
  return rows.length > 0;
}

/** A sign-in on a new device. The handles are not secret. */
export type NewDevice = { user: User; sessionHandle: string; deviceHandle: string; failures: number };

/** Mails a user about a sign-in on a new device, in the transaction of the sign-in. */
export async function mailNewDevice(
  db: Db,
  scope: Scope,
  { user: { id, email }, sessionHandle, deviceHandle, failures }: NewDevice,
): Promise<void> {
  const data = {
    ...clientValues(scope),
    failures: failures === 0 ? '' : String(failures),
    sessionHandle,
    deviceHandle,
  };
  await runConcurrently([
    enqueueMail(db, { name, recipient: email, userId: id, data }, scope.now),
    countMail(db, name, email, scope.now),
  ]);
}
