/** Users and sessions, as commands show them. */
import { clientName } from '../sessions/client-name.ts';
import type { Session } from '../sessions/session.ts';
import type { User } from '../users/user.ts';
import { columns } from './output.ts';

/** Returns the facts about a user that an administrator may see: never the hash of the password. */
export function describeUser({ id, email, name, role, createdAt, emailVerifiedAt, suspendedAt, hashedPassword }: User) {
  return { id, email, name, role, createdAt, emailVerifiedAt, suspendedAt, hasPassword: hashedPassword !== null };
}

export function userLine({ id, email, name, role, createdAt, ...user }: ReturnType<typeof describeUser>): string {
  return columns(
    String(id),
    email,
    name,
    role,
    `since ${createdAt.toISOString()}`,
    user.emailVerifiedAt === null && 'address not verified',
    user.suspendedAt !== null && 'suspended',
    !user.hasPassword && 'no password',
  );
}

export function describeSession({ handle, createdAt, lastSeenAt, expiresAt, userAgent, ipAddress }: Session) {
  return { handle, createdAt, lastSeenAt, expiresAt, clientName: clientName(userAgent), ipAddress };
}

export function sessionLine({ handle, createdAt, expiresAt, ...session }: ReturnType<typeof describeSession>): string {
  const times = `${createdAt.toISOString()} to ${expiresAt.toISOString()}`;
  return columns(handle, times, session.clientName, session.ipAddress);
}
