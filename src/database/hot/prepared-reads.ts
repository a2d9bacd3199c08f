import type { Prisma, RateLimit, Session, User } from '../../generated/sqlite/client.ts';
import { rateLimitColumns, sessionColumns, userColumns, userTokenColumns } from './columns.ts';
import { type Select, selectLeftJoin, type ToDate } from './select.ts';

/** A session together with its user; null where it is anonymous. */
export type SessionWithUser = Prisma.SessionGetPayload<{ include: { user: true } }>;

/** Reads that are made so often that they go past Prisma, as prepared statements, in a tenth of the time. */
export type PreparedReads = {
  /**
   * The session with this handle and its user, as `session.findUnique` would return them, or null: the one read that
   * every request makes.
   */
  $findSession(handle: string): Promise<SessionWithUser | null>;
  /** The sessions of these users that are live at that time, in no order. */
  $findLiveSessions(userIds: readonly number[], now: Date): Promise<Session[]>;
  /**
   * The users who have this address, if the case of its letters makes no difference, in no order. By an index on just
   * that, however many users there are.
   */
  $findUsersByAddress(address: string): Promise<User[]>;
  /** The ids of the tokens that a user has for a purpose, in no order. */
  $findTokenIds(userId: number, purpose: string): Promise<number[]>;
  /** What was counted under these keys, also what has expired, in no order. */
  $findRateLimits(keys: readonly string[]): Promise<RateLimit[]>;
};

/** What the reads select from. Conditions name the rows by the aliases. */
export const sessions = { name: 'Session', alias: 's', columns: sessionColumns };
export const users = { name: 'User', alias: 'u', columns: userColumns };
export const tokenIds = { name: 'UserToken', alias: 't', columns: { id: userTokenColumns.id } };
export const rateLimits = { name: 'RateLimit', alias: 'r', columns: rateLimitColumns };

/** Selects the sessions for which a condition is true, with their users. */
export function selectSessionsWithUsers(condition: string, toDate: ToDate): Select<SessionWithUser> {
  const join = { left: sessions, right: users, on: 'u."id" = s."userId"' };
  const { sql, toRecord } = selectLeftJoin(join, condition, toDate);
  return {
    sql,
    toRecord(row) {
      const [session, user] = toRecord(row);
      return { ...session, user };
    },
  };
}

/** `whereLive`, in the terms of a statement on `"Session" s`, which goes on with the time. */
export const isLiveAt = `s."hashedSessionToken" IS NOT NULL AND s."expiresAt" >`;
