import type { SessionWithUser } from '../database/database.ts';
import { isLiveAt } from '../database/hot/prepared-reads.ts';
import { Prisma, type Session } from '../generated/sqlite/client.ts';

export type { Session, SessionWithUser };

/** Returns whether a session is live: it has a token and has not expired. No other column decides this. */
export function isLive(session: Pick<Session, 'hashedSessionToken' | 'expiresAt'>, now: Date): boolean {
  return session.hashedSessionToken !== null && session.expiresAt > now;
}

/** Returns the condition for live sessions in a query, equal to `isLive`. */
export function whereLive(now: Date) {
  return { hashedSessionToken: { not: null }, expiresAt: { gt: now } } satisfies Prisma.SessionWhereInput;
}

/** Returns the same condition on `"Session" s` in SQL. */
export function whereLiveSql(now: Date): Prisma.Sql {
  return Prisma.sql`${Prisma.raw(isLiveAt)} ${now}`;
}
