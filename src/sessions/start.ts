import type { Config, SessionPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { insert } from '../database/raw-sql.ts';
import { together } from '../database/transaction.ts';
import { type AuditEventType, recordEvents } from '../events/record.ts';
import { actingAs, type Scope, type Transport } from '../scope.ts';
import { requireRequestFrom } from '../throttle/requests.ts';
import { createToken, type NewToken } from '../tokens/token.ts';
import { rememberDevice } from '../tokens/trusted-device.ts';
import type { User } from '../users/user.ts';
import { carriedOver, checkedData, type DataColumn, mergedText } from './data.ts';
import { endWhere, eventsOfEnded, findLeastRecentlyUsed } from './end.ts';
import { expiryOf, unusedExpiryOf } from './expiry.ts';
import { type Session, type SessionWithUser, whereLive } from './session.ts';

/** What a client asks of the session that it gets. */
export type SessionRequest = {
  transport: Transport;
  /** The data of a visitor that continues in the session, beside that of the session which it replaces. Null for none. */
  visitor: Visitor | null;
};

/** A visitor of a Blitz.js application. */
export type Visitor = {
  /** Of the row with the private data, where there is one. */
  handle: string;
  publicData: string;
};

export type StartedSession = {
  session: SessionWithUser;
  /** The secret of the session, which exists only here and at its client. */
  token: string;
  transport: Transport;
  /** What the device is known by from now on. Null if it was known already, or nobody signed in. */
  deviceToken: string | null;
};

const hourMs = 3_600_000;

/**
 * Starts a session without a user, for a visitor whose data is to be kept until they log in. Anybody can ask for one,
 * so an address may start only so many in an hour.
 *
 * @throws ValidationError for data that may not be stored.
 * @throws RequestError where too many come from one address.
 */
export async function startAnonymousSession(
  database: Database,
  scope: Scope,
  { transport, publicData }: { transport: Transport; publicData?: unknown },
  { attempts, sessions }: Pick<Config, 'attempts' | 'sessions'>,
): Promise<StartedSession> {
  const data = publicData === undefined ? null : mergedText(null, checkedData(publicData, 'publicData'));
  const limit = { kind: 'anonymous-sessions', points: attempts.anonymousSessionsPerAddress, durationMs: hourMs };
  await requireRequestFrom(database, scope, limit);
  const credential = createToken();
  const row = { user: null, transport, publicData: data, privateData: null, ...credential };
  const session = await createSession(database, scope, row, sessions);
  return { session, token: credential.token, transport, deviceToken: null };
}

export type UserSessionRequest = SessionRequest & {
  user: User;
  /** What is written down of it in the user's history. */
  type: AuditEventType;
  /** Whether the user is known to have signed in on the device; it becomes known if not. */
  isKnownDevice?: boolean;
};

/**
 * Starts a user's session, with a new handle and a new token, and ends the one that the request came with. Whoever
 * planted that one with a victim does not get the victim's session (session fixation). If it was anonymous, its data
 * goes on in the new one. Of a user with too many sessions, those that were used least recently end.
 */
export async function startUserSession(
  db: Db,
  scope: Scope,
  { user, type, transport, visitor, isKnownDevice = false }: UserSessionRequest,
  policy: SessionPolicy,
): Promise<StartedSession> {
  const { session: replaces, now } = scope;
  const own = replaces === null ? noData : await lockVisitorsData(db, replaces, now);
  const ended = replaces === null ? [] : await endWhere(db, { id: replaces.id }, now);
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
    createSession(db, scope, { user, transport, ...carried, ...credential }, policy),
    findLeastRecentlyUsed(db, cap, now),
    isKnownDevice ? null : rememberDevice(db, user.id, now),
    recordEvents(db, byUser, [{ type, userId: user.id, sessionHandle: handle }, ...eventsOfEnded(ended, 'LOGGED_OUT')]),
  ]);
  if (surplus.length > 0) {
    const revoked = await endWhere(db, { id: { in: surplus } }, now);
    await recordEvents(db, byUser, eventsOfEnded(revoked, 'SESSION_REVOKED'));
  }
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

/** What a visitor of a Blitz.js application had. Private data is in a row without a user, and only a visitor's counts. */
async function dataOfVisitor(db: Db, visitor: Visitor | null): Promise<Pick<Session, DataColumn>> {
  if (visitor === null) return noData;
  const row = await db.session.findUnique({ where: { handle: visitor.handle } });
  const { privateData } = row?.userId === null ? await movedFrom(db, row) : noData;
  return { publicData: visitor.publicData, privateData };
}

type NewSession = NewToken & Pick<Session, DataColumn> & { user: User | null; transport: Transport };

async function createSession(
  db: Db,
  { client, now }: Scope,
  { user, handle, hashedToken, transport, publicData, privateData }: NewSession,
  policy: SessionPolicy,
): Promise<SessionWithUser> {
  const row = {
    handle,
    hashedSessionToken: hashedToken,
    replacedHashedToken: null,
    transport,
    antiCSRFToken: null,
    createdAt: now,
    updatedAt: now,
    lastSeenAt: now,
    expiresAt: user === null ? unusedExpiryOf(now, policy) : expiryOf(now, now, policy),
    authenticatedAt: user === null ? null : now,
    publicData,
    privateData,
    ...client,
    userId: user?.id ?? null,
  };
  const id = await insert(db, 'Session', row);
  return { id, ...row, user };
}
