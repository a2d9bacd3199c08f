import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { isLiveAt } from '../database/hot/prepared-reads.ts';
import { run } from '../database/raw-sql.ts';
import { inTransaction } from '../database/transaction.ts';
import { SessionNotFoundError } from '../errors.ts';
import { type AuditEventType, recordEvents } from '../events/record.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import type { Scope } from '../scope.ts';
import { type Session, whereLive } from './session.ts';
import { requireRecentPassword } from './step-up.ts';

/** Ends the session of a request and returns it, or null if it was not live any more. */
export async function logout(database: Database, scope: Scope): Promise<Session | null> {
  if (scope.session === null) return null;
  const [ended] = await endAndRecord(database, scope, { id: scope.session.id }, 'LOGGED_OUT');
  return ended ?? null;
}

/** Ends one session, whosever it is, and returns it, or null if it was not live any more. */
export async function endSession(database: Database, scope: Scope, id: number): Promise<Session | null> {
  const [ended] = await endAndRecord(database, scope, { id }, 'SESSION_REVOKED');
  return ended ?? null;
}

/**
 * Ends one session that the caller may see. `ended` is false if it was not live any more, which is no failure; of
 * several who try at once, one gets true.
 *
 * @throws SessionNotFoundError in the same way for an unknown session and for somebody else's.
 * @throws ReauthenticationRequiredError for an administrator who ends somebody else's session and proved the password
 *   longer ago than that.
 */
export async function revokeSession(
  database: Database,
  scope: Scope,
  id: number,
  { reauthenticateAfterMs }: Pick<Config, 'reauthenticateAfterMs'>,
): Promise<{ session: Session; ended: boolean }> {
  const session = await database.session.findFirst({ where: { AND: [{ id }, whereVisibleTo(scope)] } });
  if (!session) throw new SessionNotFoundError();
  const isOwn =
    session.id === scope.session?.id || (session.userId !== null && session.userId === scope.session?.userId);
  if (!isOwn) requireRecentPassword(scope, reauthenticateAfterMs);
  const ended = await endSession(database, scope, id);
  return ended ? { session: ended, ended: true } : { session, ended: false };
}

/** Ends the user's live sessions, all but one if one is to be kept, and returns them. */
export function endSessionsOf(database: Database, scope: Scope, userId: number, keep?: number): Promise<Session[]> {
  return endAndRecord(database, scope, ofUser(userId, keep), 'SESSION_REVOKED');
}

/** The same within a transaction, for what else ends sessions. */
export async function endSessionsWith(db: Db, scope: Scope, userId: number, keep?: number): Promise<Session[]> {
  const ended = await endWhere(db, ofUser(userId, keep), scope.now);
  await recordEvents(db, scope, eventsOfEnded(ended, 'SESSION_REVOKED'));
  return ended;
}

/**
 * Those of a user's live sessions that were used least recently and are too many, by their ids. One is kept, and need
 * not be there yet.
 */
export async function findLeastRecentlyUsed(
  db: Db,
  { userId, keptHandle, maxSessions }: { userId: number; keptHandle: string; maxSessions: number },
  now: Date,
): Promise<number[]> {
  const rows = await run(
    db,
    Prisma.sql`SELECT s."id" FROM "Session" s
      WHERE s."userId" = ${userId} AND s."handle" <> ${keptHandle} AND ${Prisma.raw(isLiveAt)} ${now}
      ORDER BY s."lastSeenAt" DESC NULLS LAST, s."id" DESC LIMIT ${maxAtOnce} OFFSET ${maxSessions - 1}`,
  );
  return rows.map(([id]) => Number(id));
}

/** Far more than a cap that is lowered leaves over. */
const maxAtOnce = 10_000;

/** Returns the condition for the sessions that the caller may see and end. */
export function whereVisibleTo({ session, isAdmin }: Scope): Prisma.SessionWhereInput {
  if (session === null) return { id: { in: [] } };
  if (isAdmin) return {};
  return session.userId === null ? { id: session.id } : { userId: session.userId };
}

/** Deletes the data of a session. Nobody needs it once the session has ended (OWASP ASVS 5.0, 14.2.7). */
export const forgottenData = { publicData: null, privateData: null, antiCSRFToken: null };

/**
 * Ends sessions and deletes the hashes of their tokens and their data. The rows stay until they are pruned, so that they can be shown
 * as ended. Returns them as they are then, without the data.
 */
export function endWhere(db: Db, where: Prisma.SessionWhereInput, now: Date): Promise<Session[]> {
  return db.session.updateManyAndReturn({
    where: { AND: [where, whereLive(now)] },
    data: { ...forgottenData, hashedSessionToken: null, replacedHashedToken: null, expiresAt: now },
  });
}

/** How the end of a session is written down. Those of visitors are in nobody's history. */
export function eventsOfEnded(sessions: Session[], type: AuditEventType) {
  const ofUsers = sessions.filter(({ userId }) => userId !== null);
  // Whoever logs in anew from a session of somebody else ended that one by its own token.
  const actor = (userId: number | null) => (type === 'LOGGED_OUT' ? { actorId: userId } : {});
  return ofUsers.map(({ userId, handle }) => ({ type, userId, sessionHandle: handle, ...actor(userId) }));
}

function ofUser(userId: number, keep?: number): Prisma.SessionWhereInput {
  return { userId, ...(keep === undefined ? {} : { id: { not: keep } }) };
}

function endAndRecord(
  database: Database,
  scope: Scope,
  where: Prisma.SessionWhereInput,
  type: AuditEventType,
): Promise<Session[]> {
  return inTransaction(database, async (db) => {
    const ended = await endWhere(db, where, scope.now);
    await recordEvents(db, scope, eventsOfEnded(ended, type));
    return ended;
  });
}
