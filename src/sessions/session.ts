import type { SessionWithUser } from '../database/database.ts';
import type { Prisma, Session } from '../generated/sqlite/client.ts';

export type { Session, SessionWithUser };

/** A session is live while it has a token and has not expired. Everything else about it is only history. */
export function isLive(session: Pick<Session, 'hashedSessionToken' | 'expiresAt'>, now: Date): boolean {
  return session.hashedSessionToken !== null && session.expiresAt > now;
}

/** `isLive`, as the database understands it. */
export function whereLive(now: Date) {
  return { hashedSessionToken: { not: null }, expiresAt: { gt: now } } satisfies Prisma.SessionWhereInput;
}
