import type { Db } from '../database/database.ts';
import { SessionNotFoundError } from '../errors.ts';
import type { Prisma } from '../generated/sqlite/client.ts';
import { type Session, whereLive } from './session.ts';

/** Who ends a session: its user, the holder of an anonymous one, or an administrator, who may end any. */
export type Actor = { sessionId: number; userId: number | null; isAdmin: boolean };

/** Ends one session. False if it was not live any more. */
export async function endSession(db: Db, id: number, now: Date): Promise<boolean> {
  return (await endWhere(db, { id }, now)).length > 0;
}

/**
 * Ends one session for somebody. `ended` is false if it was not live any more, which is no failure; of several who
 * try at once, one gets true.
 *
 * @throws SessionNotFoundError in the same way for an unknown session and for somebody else's.
 */
export async function revokeSession(
  db: Db,
  actor: Actor,
  id: number,
  now: Date,
): Promise<{ session: Session; ended: boolean }> {
  const [endedSession] = await endWhere(db, { id, ...whereMine(actor) }, now);
  if (endedSession) return { session: endedSession, ended: true };
  const session = await db.session.findFirst({ where: { id, ...whereMine(actor) } });
  if (!session) throw new SessionNotFoundError();
  return { session, ended: false };
}

/** Ends the user's live sessions, all but one if one is to be kept, and returns them. */
export function endSessionsOf(db: Db, userId: number, now: Date, keep?: number): Promise<Session[]> {
  return endWhere(db, { userId, ...(keep === undefined ? {} : { id: { not: keep } }) }, now);
}

/** What an actor may see and end of all sessions. */
export function whereMine(actor: Actor): Prisma.SessionWhereInput {
  if (actor.isAdmin) return {};
  return actor.userId === null ? { id: actor.sessionId } : { userId: actor.userId };
}

/** The row stays, without its token, so that it can be shown as ended until it is pruned. */
function endWhere(db: Db, where: Prisma.SessionWhereInput, now: Date): Promise<Session[]> {
  return db.session.updateManyAndReturn({
    where: { AND: [where, whereLive(now)] },
    data: { hashedSessionToken: null, expiresAt: now },
  });
}
