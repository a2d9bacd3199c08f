import type { Database, Db } from '../database/database.ts';
import { retryConflicts } from '../database/transaction.ts';
import { SessionNotFoundError } from '../errors.ts';
import type { Prisma } from '../generated/sqlite/client.ts';
import { type Session, whereLive } from './session.ts';
import { requireRecentPassword } from './step-up.ts';

/** Who ends a session: its user, the holder of an anonymous one, or an administrator, who may end any. */
export type Actor = { session: Session; isAdmin: boolean };

/** Ends one session and returns it, or null if it was not live any more. */
export async function endSession(db: Db, id: number, now: Date): Promise<Session | null> {
  const [ended] = await endWhere(db, { id }, now);
  return ended ?? null;
}

/**
 * Ends one session for somebody. `ended` is false if it was not live any more, which is no failure; of several who
 * try at once, one gets true.
 *
 * @throws SessionNotFoundError in the same way for an unknown session and for somebody else's.
 * @throws ReauthenticationRequiredError for an administrator who ends somebody else's session and proved the password
 *   longer ago than that.
 */
export async function revokeSession(
  db: Db,
  actor: Actor,
  id: number,
  reauthenticateAfterMs: number,
  now: Date,
): Promise<{ session: Session; ended: boolean }> {
  const session = await db.session.findFirst({ where: { AND: [{ id }, whereMine(actor)] } });
  if (!session) throw new SessionNotFoundError();
  const isOwn = session.id === actor.session.id || (session.userId !== null && session.userId === actor.session.userId);
  if (!isOwn) requireRecentPassword(actor.session, reauthenticateAfterMs, now);
  const ended = await endSession(db, id, now);
  return ended ? { session: ended, ended: true } : { session, ended: false };
}

/** Ends the user's live sessions, all but one if one is to be kept, and returns them. */
export function endSessionsOf(database: Database, userId: number, now: Date, keep?: number): Promise<Session[]> {
  const where = { userId, ...(keep === undefined ? {} : { id: { not: keep } }) };
  return retryConflicts(() => endWhere(database, where, now));
}

/** Ends those of a user's live sessions that were used least recently, until only so many are left. Keeps one. */
export async function endLeastRecentlyUsed(
  db: Db,
  userId: number,
  maxSessions: number,
  keep: number,
  now: Date,
): Promise<void> {
  const surplus = await db.session.findMany({
    where: { userId, id: { not: keep }, ...whereLive(now) },
    orderBy: [{ lastSeenAt: { sort: 'desc', nulls: 'last' } }, { id: 'desc' }],
    skip: maxSessions - 1,
    select: { id: true },
  });
  if (surplus.length > 0) await endWhere(db, { id: { in: surplus.map(({ id }) => id) } }, now);
}

/** What an actor may see and end of all sessions. */
export function whereMine(actor: Actor): Prisma.SessionWhereInput {
  const { session, isAdmin } = actor;
  if (isAdmin) return {};
  return session.userId === null ? { id: session.id } : { userId: session.userId };
}

/** The row stays, without its token, so that it can be shown as ended until it is pruned. */
function endWhere(db: Db, where: Prisma.SessionWhereInput, now: Date): Promise<Session[]> {
  return db.session.updateManyAndReturn({
    where: { AND: [where, whereLive(now)] },
    data: { hashedSessionToken: null, expiresAt: now },
  });
}
