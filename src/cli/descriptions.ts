/** Users and sessions, as commands show them. */
import { clientName } from '../sessions/client-name.ts';
import { isLive, type Session } from '../sessions/session.ts';
import type { User } from '../users/user.ts';
import { columns } from './output.ts';

/** Returns the facts about a user that an administrator may see: never the hash of the password. */
export function describeUser(user: User) {
  const { id, email, name, username, role, createdAt, emailVerifiedAt, suspendedAt, hashedPassword } = user;
  const hasPassword = hashedPassword !== null;
  return { id, email, name, username, role, createdAt, emailVerifiedAt, suspendedAt, hasPassword };
}

/** Returns a user as a line for people. */
export function userLine({ id, email, name, role, createdAt, ...user }: ReturnType<typeof describeUser>): string {
  return columns(
    String(id),
    email,
    name,
    user.username !== null && `username ${user.username}`,
    role,
    `since ${createdAt.toISOString()}`,
    user.emailVerifiedAt === null && 'address not verified',
    user.suspendedAt !== null && 'suspended',
    !user.hasPassword && 'no password',
  );
}

/** Returns the facts about a session that an administrator may see: no token, and no data. */
export function describeSession(session: Session, now: Date) {
  const { handle, userId, createdAt, lastSeenAt, expiresAt, endReason, userAgent, ipAddress } = session;
  const state = isLive(session, now) ? 'LIVE' : 'ENDED';
  const device = { clientName: clientName(userAgent), ipAddress };
  return { handle, userId, state, createdAt, lastSeenAt, expiresAt, endReason, ...device };
}

/** Returns a session as a line for people. */
export function sessionLine({ handle, createdAt, expiresAt, ...session }: ReturnType<typeof describeSession>): string {
  const times = `${createdAt.toISOString()} to ${expiresAt.toISOString()}`;
  const user = session.userId === null ? 'anonymous' : `user ${session.userId}`;
  const end = session.state === 'ENDED' && `ended${session.endReason === null ? '' : `: ${session.endReason}`}`;
  return columns(handle, times, user, session.clientName, session.ipAddress, end);
}
