import type { AttemptPolicy, SessionPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { insert } from '../database/raw-sql.ts';
import { together } from '../database/transaction.ts';
import { type AuditEventType, recordEvents } from '../events/record.ts';
import { requireRequestFrom } from '../throttle/requests.ts';
import { createToken, type NewToken } from '../tokens/token.ts';
import { rememberDevice } from '../tokens/trusted-device.ts';
import type { User } from '../users/user.ts';
import { carriedOver, checkedData, type DataColumn, mergedText } from './data.ts';
import type { Device } from './device.ts';
import { endWhere, eventsOfEnded, findLeastRecentlyUsed } from './end.ts';
import { expiryOf, unusedExpiryOf } from './expiry.ts';
import { type Session, type SessionWithUser, type Transport, whereLive } from './session.ts';

export type StartOptions = {
  transport: Transport;
  device: Device;
  /** What the device is known by if its user has signed in on it before, as it says. */
  deviceToken: string | null;
  /** The session that the request came with. It ends when the new one starts. */
  replaces: Session | null;
  /** The data of a visitor that continues in the session, beside that of `replaces`. Null if there is none. */
  visitor: Visitor | null;
  policy: SessionPolicy;
  now: Date;
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
  options: Omit<StartOptions, 'replaces' | 'deviceToken' | 'visitor'>,
  attempts: AttemptPolicy,
  publicData?: unknown,
): Promise<StartedSession> {
  const data = publicData === undefined ? null : mergedText(null, checkedData(publicData, 'publicData'));
  const { transport, device, now } = options;
  const limit = { kind: 'anonymous-sessions', points: attempts.anonymousSessionsPerAddress, durationMs: hourMs };
  await requireRequestFrom(database, device, limit, now);
  const credential = createToken();
  const session = await createSession(database, null, credential, { publicData: data, privateData: null }, options);
  return { session, token: credential.token, transport, deviceToken: null };
}

/**
 * Starts a user's session, with a new handle and a new token, and ends the one that the request came with. Whoever
 * planted that one with a victim does not get the victim's session (session fixation). If it was anonymous, its data
 * goes on in the new one. Of a user with too many sessions, those that were used least recently end.
 *
 * @param type - what is written down of it in the user's history
 * @param isKnownDevice - whether the user is known to have signed in on the device; it becomes known if not
 */
export async function startUserSession(
  db: Db,
  user: User,
  type: AuditEventType,
  options: StartOptions,
  isKnownDevice = false,
): Promise<StartedSession> {
  const { replaces, device, policy, now } = options;
  const own = replaces === null ? noData : await lockVisitorsData(db, replaces, now);
  const [replaced] = replaces === null ? [] : await endWhere(db, { id: replaces.id }, now);
  const before = await dataOfVisitor(db, options.visitor);
  const carried = {
    publicData: carriedOver(before.publicData, own.publicData),
    privateData: carriedOver(before.privateData, own.privateData),
  };
  const credential = createToken();
  const by = { userId: user.id, handle: credential.handle };
  const [session, surplus, deviceToken] = await together([
    createSession(db, user, credential, carried, options),
    findLeastRecentlyUsed(db, user.id, policy.maxPerUser, by.handle, now),
    isKnownDevice ? null : rememberDevice(db, user.id, now),
    recordEvents(
      db,
      [{ type, userId: user.id }, ...eventsOfEnded(replaced ? [replaced] : [], 'LOGGED_OUT')],
      { device, session: by },
      now,
    ),
  ]);
  if (surplus.length > 0) {
    const ended = await endWhere(db, { id: { in: surplus } }, now);
    await recordEvents(db, eventsOfEnded(ended, 'SESSION_REVOKED'), { device, session: by }, now);
  }
  return { session, token: credential.token, transport: options.transport, deviceToken };
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

async function createSession(
  db: Db,
  user: User | null,
  { handle, hashedToken }: NewToken,
  data: Pick<Session, DataColumn>,
  { transport, device, policy, now }: Omit<StartOptions, 'replaces' | 'deviceToken' | 'visitor'>,
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
    ...data,
    ...device,
    userId: user?.id ?? null,
  };
  const id = await insert(db, 'Session', row);
  return { id, ...row, user };
}
