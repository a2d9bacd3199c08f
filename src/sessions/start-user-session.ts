import type { SessionPolicy } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { isLiveAt } from '../database/hot/prepared-reads.ts';
import { run } from '../database/raw-sql.ts';
import { together } from '../database/transaction.ts';
import { type AuditEventType, recordEvents } from '../events/record.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { actingAs, type Scope } from '../scope.ts';
import { createToken } from '../tokens/token.ts';
import { trustDevice } from '../tokens/trusted-device.ts';
import type { User } from '../users/user.ts';
import { createSession } from './create-session.ts';
import { carriedOver, type DataColumn } from './data.ts';
import { endSessions, sessionsWithIds, sessionWithId } from './end.ts';
import type { Proof } from './proof.ts';
import { type Session, whereLive } from './session.ts';
import type { SessionRequest, StartedSession, Visitor } from './start.ts';

export type UserSessionRequest = SessionRequest & {
  user: User;
  proof: Proof;
  /** What is written down of it in the user's history. */
  type: AuditEventType;
  /** Whether the user is known to have signed in on the device; it becomes known if not. */
  isTrustedDevice?: boolean;
};

/**
 * Starts a user's session. Only `completeSignIn` may call this: the architecture test refuses any other import.
 *
 * The session has a new handle and a new token, and the one that the request came with ends. Whoever
 * planted that one with a victim does not get the victim's session (session fixation). If it was anonymous, its data
 * goes on in the new one. Of a user with too many sessions, those that were used least recently end.
 */
export async function startUserSession(
  db: Db,
  scope: Scope,
  { user, proof, type, transport, visitor, isTrustedDevice = false }: UserSessionRequest,
  policy: SessionPolicy,
): Promise<StartedSession> {
  const { session: replaces, now } = scope;
  const own = replaces === null ? noData : await lockVisitorsData(db, replaces, now);
  if (replaces !== null) await endSessions(db, scope, sessionWithId(replaces.id), 'REPLACED');
  const before = await dataOfVisitor(db, visitor);
  const carried = {
    publicData: carriedOver(before.publicData, own.publicData),
    privateData: carriedOver(before.privateData, own.privateData),
  };
  const credential = createToken();
  const { handle } = credential;
  const byUser = actingAs(scope, user);
  const cap = { userId: user.id, keptHandle: handle, maxSessions: policy.maxPerUser };
  const [session, surplus, deviceToken] = await together([
    createSession(db, scope, { user, proof, transport, ...carried, ...credential }, policy),
    findSurplus(db, cap, now),
    isTrustedDevice ? null : trustDevice(db, user.id, now),
    recordEvents(db, byUser, [{ type, userId: user.id, sessionHandle: handle }]),
  ]);
  if (surplus.length > 0) await endSessions(db, byUser, sessionsWithIds(surplus), 'SESSION_LIMIT');
  return { session, token: credential.token, transport, deviceToken };
}

/**
 * Returns the data of a live anonymous session that is about to end, which deletes it. Locks the row, so that data which
 * another request merges at the same time is either in what is returned or refused. The address and the user agent are
 * deleted: they belong to the user's session from now on. Returns no data for every other session.
 */
async function lockVisitorsData(db: Db, session: Session, now: Date): Promise<Pick<Session, DataColumn>> {
  // A session in which somebody was signed in has no user any more when they are deleted, but is no visitor's.
  const visitors = { userId: null, authenticatedAt: null };
  if (session.userId !== null || session.authenticatedAt !== null) return noData;
  const [locked] = await db.session.updateManyAndReturn({
    where: { id: session.id, ...visitors, ...whereLive(now) },
    data: { ipAddress: null, userAgent: null },
  });
  return locked ?? noData;
}

/** The data of a visitor's session, of which nothing is left there: it is the user's from now on. */
async function movedFrom(db: Db, session: Session): Promise<Session> {
  const nothing = { publicData: null, privateData: null, ipAddress: null, userAgent: null };
  await db.session.update({ where: { id: session.id }, data: nothing });
  return session;
}

const noData = { publicData: null, privateData: null };

/** What a visitor had in another system. Private data is in a row without a user, and only a visitor's counts. */
async function dataOfVisitor(db: Db, visitor: Visitor | null): Promise<Pick<Session, DataColumn>> {
  if (visitor === null) return noData;
  const row = await db.session.findUnique({ where: { handle: visitor.handle } });
  const { privateData } = row?.userId === null ? await movedFrom(db, row) : noData;
  return { publicData: visitor.publicData, privateData };
}

/** Far more than a limit that is lowered leaves over. */
const maxSurplus = 10_000;

/**
 * Returns the ids of those of a user's live sessions that were used least recently and are too many. One is kept, and
 * need not be there yet.
 */
async function findSurplus(
  db: Db,
  { userId, keptHandle, maxSessions }: { userId: bigint; keptHandle: string; maxSessions: number },
  now: Date,
): Promise<bigint[]> {
  const rows = await run(
    db,
    Prisma.sql`SELECT s."id" FROM "Session" s
      WHERE s."userId" = ${userId} AND s."handle" <> ${keptHandle} AND ${Prisma.raw(isLiveAt)} ${now}
      ORDER BY s."lastSeenAt" DESC NULLS LAST, s."id" DESC LIMIT ${maxSurplus} OFFSET ${maxSessions - 1}`,
  );
  // The drivers return an id as a bigint or as text.
  return rows.map(([id]) => BigInt(id as bigint | string));
}
