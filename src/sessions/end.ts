import type { Database } from '../database/database.ts';
import { changeRows } from '../database/hot/change-rows.ts';
import { inShortTransaction } from '../database/hot/short-transactions.ts';
import type { Statements } from '../database/raw-sql.ts';
import { endedSessions, recordedEvents } from '../diagnostics.ts';
import { type AuditEventType, recordEventsFrom } from '../events/record.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import type { Scope } from '../scope.ts';
import { type Session, whereLiveSql } from './session.ts';

/** The reasons why sessions end, each with the event that records the end in the history of the user. */
const endReasons = {
  /** The client of the session ended it. */
  LOGOUT: 'LOGGED_OUT',
  /** The client of the session signed in again, as this user or another one. */
  REPLACED: 'LOGGED_OUT',
  /** The user ended it from another session. */
  REVOKED: 'SESSION_REVOKED',
  /** An administrator or an operator ended it. */
  REVOKED_BY_ADMIN: 'SESSION_REVOKED',
  /** The user said, by the link in the mail about a new device, that another person had started it. */
  DISOWNED: 'SESSION_REVOKED',
  PASSWORD_CHANGED: 'SESSION_REVOKED',
  /** The session lacked the second factor that its user needs since then. */
  SECOND_FACTOR_REQUIRED: 'SESSION_REVOKED',
  /** A mailed link undid a change of the address or the password. */
  CHANGE_UNDONE: 'SESSION_REVOKED',
  /** The user had more sessions than `SESSIONS_PER_USER`, and this one was used least recently. */
  SESSION_LIMIT: 'SESSION_REVOKED',
  SUSPENDED: 'SESSION_REVOKED',
  /** The database was restored from a backup, in which the session may be live although it has ended since. */
  RESTORED: 'SESSION_REVOKED',
  ACCOUNT_DELETED: 'SESSION_REVOKED',
  IDLE_TIMEOUT: 'SESSION_EXPIRED',
  LIFETIME: 'SESSION_EXPIRED',
} as const satisfies Record<string, AuditEventType>;

export type EndReason = keyof typeof endReasons;

/** Returns whether the type of the event already tells the reason. */
const isPlain = (reason: EndReason) => reason === 'LOGOUT' || reason === 'REVOKED';

/** The sessions to end: a condition on `"Session" s`. */
export type SessionCondition = {
  sql: Prisma.Sql;
  /** True if the text is the same for all values. Connections to PostgreSQL keep only such a statement prepared. */
  isFixed: boolean;
};

const fixed = (sql: Prisma.Sql): SessionCondition => ({ sql, isFixed: true });

export const sessionWithId = (id: bigint) => fixed(Prisma.sql`s."id" = ${id}`);
export const sessionWithHandle = (handle: string, userId: bigint) =>
  fixed(Prisma.sql`s."handle" = ${handle} AND s."userId" = ${userId}`);
export const sessionsWithIds = (ids: bigint[]): SessionCondition => ({
  sql: Prisma.sql`s."id" IN (${Prisma.join(ids)})`,
  isFixed: false,
});
export const sessionOfUser = (id: bigint, userId: bigint) =>
  fixed(Prisma.sql`s."id" = ${id} AND s."userId" = ${userId}`);
export const sessionsOfUser = (userId: bigint, exceptId?: bigint) =>
  fixed(
    exceptId === undefined
      ? Prisma.sql`s."userId" = ${userId}`
      : Prisma.sql`s."userId" = ${userId} AND s."id" <> ${exceptId}`,
  );

/**
 * Ends the live sessions that match a condition, and records the events in the same transaction. Returns the ended
 * sessions. If several callers end a session at the same time, only one of them receives it. If the reason is an
 * expiry, this ends the sessions that have expired and that nothing has ended yet, not the live ones.
 *
 * This is the only function that ends sessions. The rows stay until they are pruned, with the reason and the hash of the
 * token, by which its client learns the reason (`lastSessionOf`), but without data (OWASP ASVS 5.0, 14.2.7).
 */
export async function endSessions(
  db: Statements,
  scope: Scope,
  { sql, isFixed }: SessionCondition,
  reason: EndReason,
): Promise<Session[]> {
  const { now } = scope;
  const type = endReasons[reason];
  const isExpiry = type === 'SESSION_EXPIRED';
  const matchesState = isExpiry
    ? Prisma.sql`s."hashedSessionToken" IS NOT NULL AND s."expiresAt" <= ${now}`
    : whereLiveSql(now);
  const isOfItself = type === 'LOGGED_OUT';
  const ended = await changeRows(db, 'Session', {
    set: {
      updatedAt: now,
      ...(isExpiry ? {} : { expiresAt: now }),
      endReason: reason,
      endedHashedToken: Prisma.sql`"hashedSessionToken"`,
      ...withoutSecrets,
    },
    where: Prisma.sql`${sql} AND ${matchesState}`,
    isPrepared: isFixed,
    insertion: recordEventsFrom(withUser, scope, {
      at: isExpiry ? Prisma.sql`"expiresAt"` : now,
      type,
      userId: Prisma.sql`"userId"`,
      // The client of a replaced session ended it with its own token, even if another user signs in.
      actorId: isOfItself ? Prisma.sql`"userId"` : scope.actorId,
      sessionHandle: Prisma.sql`"handle"`,
      detail: isPlain(reason) ? null : reason,
    }),
  });
  const users = ended.filter(({ userId }) => userId !== null);
  if (users.length > 0) recordedEvents.publish({ types: users.map(() => type) });
  if (ended.length > 0) endedSessions.publish({ reason, count: ended.length });
  return ended;
}

const withoutSecrets = {
  hashedSessionToken: null,
  replacedHashedToken: null,
  antiCSRFToken: null,
  publicData: null,
  privateData: null,
};

/** The session of a visitor belongs to no history. */
const withUser = Prisma.sql`changed WHERE "userId" IS NOT NULL`;

/** Does the same in a transaction of its own. */
export function endSessionsAlone(
  database: Database,
  scope: Scope,
  where: SessionCondition,
  reason: EndReason,
): Promise<Session[]> {
  return inShortTransaction(database, (db) => endSessions(db, scope, where, reason));
}
