import type { SessionPolicy } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { run, toId } from '../database/raw-sql.ts';
import { runConcurrently } from '../database/transaction.ts';
import { type AuditEventType, recordEvents } from '../events/record.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { actingAs, type Scope } from '../scope.ts';
import type { NewToken } from '../tokens/token.ts';
import { lastUseOf, recordDeviceUse, skipMs, type TrustedDevice, trustDevice } from '../tokens/trusted-device.ts';
import type { User } from '../users/user.ts';
import { clientName } from './client-name.ts';
import { createSession } from './create-session.ts';
import { type DataColumn, visitorDataToKeep } from './data.ts';
import { endSessions, sessionsWithIds, sessionWithId } from './end.ts';
import type { Proof } from './proof.ts';
import { type Session, whereLive, whereLiveSql } from './session.ts';
import type { SessionRequest, StartedSession, Visitor } from './start.ts';

export type UserSessionRequest = SessionRequest & {
  user: User;
  proof: Proof;
  /** The type of the event in the history of the user. */
  type: AuditEventType;
  /** The token of the new session. */
  credential: NewToken;
  device: SignInDevice;
};

/** The device of a sign-in: a trusted one, or one that receives a token and becomes trusted. */
export type SignInDevice = {
  trusted: TrustedDevice | null;
  /** The token of a device that becomes trusted. Null for a trusted one. */
  token: NewToken | null;
  /** Whether the device skips the second factor from now on. Null if that stays as it is. */
  skips: boolean | null;
};

/**
 * Starts a user's session. Only `completeSignIn` may call this: the architecture test refuses any other import.
 *
 * The session gets a new handle and a new token, and the session of the request ends. So an attacker who planted that
 * session with a victim does not get the victim's session (session fixation). If it was anonymous, its data moves to
 * the new one. If the user has too many sessions, the least recently used ones end.
 */
export async function startUserSession(
  db: Db,
  scope: Scope,
  { user, proof, type, transport, isRemembered, visitor, credential, device }: UserSessionRequest,
  policy: SessionPolicy,
): Promise<StartedSession> {
  const { session: replaced, now } = scope;
  const own = replaced === null ? noData : await takeVisitorData(db, replaced, now);
  if (replaced !== null) await endSessions(db, scope, sessionWithId(replaced.id), 'REPLACED');
  const before = await takeLegacyVisitorData(db, visitor);
  const carried = {
    publicData: visitorDataToKeep(before.publicData, own.publicData),
    privateData: visitorDataToKeep(before.privateData, own.privateData),
  };
  const { handle } = credential;
  const byUser = actingAs(scope, user);
  const cap = { userId: user.id, keptHandle: handle, maxSessions: policy.maxPerUser };
  const use = { at: now, clientName: clientName(scope.client.userAgent), noSecondFactorUntil: skipUntil(device, now) };
  const [session, surplus] = await runConcurrently([
    createSession(db, scope, { user, proof, transport, isRemembered, ...carried, ...credential }, policy),
    findSurplus(db, cap, now),
    device.trusted && recordDeviceUse(db, device.trusted.id, use),
    device.token && trustDevice(db, user.id, device.token, use),
    recordEvents(db, byUser, [{ type, userId: user.id, sessionHandle: handle }]),
  ]);
  if (surplus.length > 0) await endSessions(db, byUser, sessionsWithIds(surplus), 'SESSION_LIMIT');
  return { session, token: credential.token, transport, deviceToken: device.token?.token ?? null };
}

function skipUntil({ trusted, skips }: SignInDevice, now: Date): Date | null {
  if (skips === null) return (trusted && lastUseOf(trusted)?.noSecondFactorUntil) ?? null;
  return skips ? new Date(now.getTime() + skipMs) : null;
}

/**
 * Returns the data of a live anonymous session that is about to end; its end deletes the data. Locks the row, so that a
 * concurrent merge of another request is either in the returned data or refused. Deletes the address and the user
 * agent, because from now on they belong to the session of the user. Returns no data for every other session.
 */
async function takeVisitorData(db: Db, session: Session, now: Date): Promise<Pick<Session, DataColumn>> {
  // The session of a deleted user has no user any more, but it is not the session of a visitor.
  const visitors = { userId: null, authenticatedAt: null };
  if (session.userId !== null || session.authenticatedAt !== null) return noData;
  const [locked] = await db.session.updateManyAndReturn({
    where: { id: session.id, ...visitors, ...whereLive(now) },
    data: { ipAddress: null, userAgent: null },
  });
  return locked ?? noData;
}

/** Deletes the data, the address and the user agent of a visitor's session, and returns the session as it was. */
async function deleteVisitorData(db: Db, session: Session): Promise<Session> {
  const nothing = { publicData: null, privateData: null, ipAddress: null, userAgent: null };
  await db.session.update({ where: { id: session.id }, data: nothing });
  return session;
}

const noData = { publicData: null, privateData: null };

/**
 * Returns the data of a visitor of another system. The private data is in a row, which counts only if it has no user;
 * it is deleted there.
 */
async function takeLegacyVisitorData(db: Db, visitor: Visitor | null): Promise<Pick<Session, DataColumn>> {
  if (visitor === null) return noData;
  const row = await db.session.findUnique({ where: { handle: visitor.handle } });
  const { privateData } = row?.userId === null ? await deleteVisitorData(db, row) : noData;
  return { publicData: visitor.publicData, privateData };
}

/** Far more sessions than exceed the limit after an operator lowers it. */
const maxSurplus = 10_000;

/**
 * Returns the ids of the least recently used live sessions of a user beyond the limit. The session with `keptHandle`
 * counts, is never returned, and need not be stored yet.
 */
async function findSurplus(
  db: Db,
  { userId, keptHandle, maxSessions }: { userId: bigint; keptHandle: string; maxSessions: number },
  now: Date,
): Promise<bigint[]> {
  const rows = await run(
    db,
    Prisma.sql`SELECT s."id" FROM "Session" s
      WHERE s."userId" = ${userId} AND s."handle" <> ${keptHandle} AND ${whereLiveSql(now)}
      ORDER BY s."lastSeenAt" DESC NULLS LAST, s."id" DESC LIMIT ${maxSurplus} OFFSET ${maxSessions - 1}`,
    { isPrepared: true },
  );
  return rows.map(([id]) => toId(id));
}
