import type { Db } from '../database/database.ts';
import { LastAdministratorError } from '../errors.ts';
import type { User } from '../users/user.ts';

/**
 * Requires that a user who is about to be deleted, suspended or demoted is not the last administrator who can sign in.
 * These acts wait for one another: of two administrators who demote each other at once, one stays.
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
  // Locks the row of the lease until the transaction ends.
  const lease = { holder: 'administrators', expiresAt: now };
  await db.lease.upsert({
    where: { name: 'administrators' },
    create: { name: 'administrators', ...lease },
    update: lease,
  });
  const others = { id: { not: id }, role: { in: [...adminRoles] }, suspendedAt: null, hashedPassword: { not: null } };
  if ((await db.user.count({ where: others })) === 0) throw new LastAdministratorError();
}
