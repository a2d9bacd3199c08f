import type { Database } from '../database/database.ts';
import { inRawTransaction } from '../database/transaction.ts';
import { SessionNotFoundError } from '../errors.ts';
import type { Prisma } from '../generated/sqlite/client.ts';
import { mayReadUsers, type Scope, type UserScope } from '../scope.ts';
import { type RecentProofPolicies, requireRecentProof } from './assurance/second-factor.ts';
import {
  type EndReason,
  endSessions,
  endSessionsAlone,
  type SessionCondition,
  sessionOfUser,
  sessionsOfUser,
  sessionsWithIds,
  sessionWithId,
} from './end.ts';
import { type Session, whereLive } from './session.ts';

/** Ends the session of a request, and returns it. Null if there is none, or it is not live any more. */
export async function logout(database: Database, scope: Scope): Promise<Session | null> {
  return scope.session && endSession(database, scope, scope.session.id, 'LOGOUT');
}

/** Ends one session of any user, and returns it. Null if it is not live any more. */
export async function endSession(
  database: Database,
  scope: Scope,
  id: bigint,
  reason: EndReason,
): Promise<Session | null> {
  const [ended] = await endSessionsAlone(database, scope, sessionWithId(id), reason);
  return ended ?? null;
}

/**
 * Ends one session of the caller, or of any user for an administrator. `ended` is false if it was not live any more,
 * which is no failure. If several callers try at the same time, one gets true.
 *
 * @throws SessionNotFoundError, in the same way for an unknown session and for one of another user.
 * @throws ReauthenticationRequiredError if an administrator without recent proofs ends another user's session.
 */
export async function revokeSession(
  database: Database,
  scope: Scope,
  id: bigint,
  policies: RecentProofPolicies,
): Promise<{ session: Session; ended: boolean }> {
  // Most callers end a live session of their own. Only the others need the session to be read first.
  const own = await endOwn(database, scope, id);
  if (own) return { session: own, ended: true };
  const session = await database.session.findFirst({ where: { AND: [{ id }, whereOwnedBy(scope)] } });
  if (!session) throw new SessionNotFoundError();
  if (isOwn(session, scope)) return { session, ended: false };
  requireRecentProof(scope, policies);
  const ended = await endSession(database, scope, id, 'REVOKED_BY_ADMIN');
  return ended ? { session: ended, ended: true } : { session, ended: false };
}

/** Ends a live session of the caller. Null if it is none. */
async function endOwn(database: Database, scope: Scope, id: bigint): Promise<Session | null> {
  if (id === scope.session?.id) return endSession(database, scope, id, 'LOGOUT');
  const userId = scope.session?.userId ?? null;
  if (userId === null) return null;
  const [ended] = await endSessionsAlone(database, scope, sessionOfUser(id, userId), 'REVOKED');
  return ended ?? null;
}

function isOwn({ id, userId }: Session, { session }: Scope): boolean {
  return id === session?.id || (userId !== null && userId === session?.userId);
}

/** Ends the live sessions of the signed-in user, except that of the request, and returns them. */
export function revokeOthers(database: Database, scope: UserScope): Promise<Session[]> {
  return endSessionsAlone(database, scope, othersOf(scope), 'REVOKED');
}

/** Ends the live sessions of the signed-in user, and returns them. That of the request ends by a logout. */
export function revokeAll(database: Database, scope: UserScope): Promise<Session[]> {
  return inRawTransaction(database, async (db) => [
    ...(await endSessions(db, scope, othersOf(scope), 'REVOKED')),
    ...(await endSessions(db, scope, sessionWithId(scope.session.id), 'LOGOUT')),
  ]);
}

function othersOf({ session }: UserScope): SessionCondition {
  return sessionsOfUser(session.user.id, session.id);
}

/** The number of sessions that one transaction ends, so that requests wait only shortly for it. */
const sessionsAtOnce = 500;

/**
 * Ends all live sessions, of users and visitors, and returns their number. Not in one transaction: after a failure, some
 * have ended, and a second call ends the rest.
 */
export async function endAllSessions(database: Database, scope: Scope, reason: EndReason): Promise<number> {
  let count = 0;
  for (let after = 0n; ; ) {
    const live = await database.session.findMany({
      where: { AND: [{ id: { gt: after } }, whereLive(scope.now)] },
      orderBy: { id: 'asc' },
      take: sessionsAtOnce,
      select: { id: true },
    });
    const ids = live.map(({ id }) => id);
    const last = ids.at(-1);
    if (last === undefined) return count;
    const ended = await endSessionsAlone(database, scope, sessionsWithIds(ids), reason);
    count += ended.length;
    after = last;
  }
}

/** Returns the condition for the sessions that the caller may see. */
export function whereVisibleTo(scope: Scope): Prisma.SessionWhereInput {
  return mayReadUsers(scope) ? {} : whereOwnedBy(scope);
}

/** Returns the condition for the sessions that the caller may end. */
function whereOwnedBy({ session, isAdmin }: Scope): Prisma.SessionWhereInput {
  if (session === null) return { id: { in: [] } };
  if (isAdmin) return {};
  return session.userId === null ? { id: session.id } : { userId: session.userId };
}
