import type { Db } from '../database/database.ts';
import { LastAdministratorError } from '../errors.ts';
import type { User } from '../users/user.ts';

/**
 * Makes sure that somebody who is about to be removed, suspended or demoted is not the last administrator who can sign
 * in. Whatever does one of these waits for the others: of two administrators who demote each other, one stays.
 *
 * @throws LastAdministratorError
 */
export async function requireAnotherAdministrator(
  db: Db,
  { id, role, suspendedAt }: User,
  adminRoles: readonly string[],
  now: Date,
): Promise<void> {
  if (!adminRoles.includes(role) || suspendedAt !== null) return;
  // The row of the lease stays locked until the transaction ends.
  const lease = { holder: 'administrators', expiresAt: now };
  await db.lease.upsert({
    where: { name: 'administrators' },
    create: { name: 'administrators', ...lease },
    update: lease,
  });
  const others = { id: { not: id }, role: { in: [...adminRoles] }, suspendedAt: null, hashedPassword: { not: null } };
  if ((await db.user.count({ where: others })) === 0) throw new LastAdministratorError();
}
