import type { SessionPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import type { Scope } from '../scope.ts';
import { equalSecrets, handleOf, hashToken, ownHandleOf } from '../tokens/token.ts';
import { expiryOf, isRenewalDue } from './expiry.ts';
import { isJustReplaced } from './rotate.ts';
import { isLive, type Session, type SessionWithUser, whereLive } from './session.ts';

/** The rules by which sessions are resumed. */
export type ResumePolicies = {
  sessions: SessionPolicy;
  /** How the tokens of another system are read. Null where none are accepted. */
  legacyTokens: LegacyTokens | null;
};

/** The tokens of sessions that another system started and that go on here. Their rows are found by handles too. */
export type LegacyTokens = {
  /** Returns the handle that a token of the other system carries, or null for every other token. */
  handleOf(token: string): string | null;
  /** Returns whether a session to which such a token leads is ended, although its row looks live. */
  isEnded(session: SessionWithUser): boolean;
};

export type ResumedSession =
  | {
      session: SessionWithUser;
      /** Whether `expiresAt` has just moved, so that a cookie has to be sent again. */
      isRenewed: boolean;
    }
  | {
      session: null;
      /** Whether the token leads to a session which it does not open (any more). Its client may have a newer token. */
      isKnown: boolean;
      /** Whether a new token has just taken the place of this one, so that its client is about to have that. */
      isJustReplaced: boolean;
    };

const unknown: ResumedSession = { session: null, isKnown: false, isJustReplaced: false };
const ended: ResumedSession = { session: null, isKnown: true, isJustReplaced: false };

/**
 * The live session that a token opens, or none: a damaged, unknown, ended or expired token is simply no session.
 *
 * The row is found by the handle, which is no secret, and the secret is compared in constant time; looking a hash up
 * in an index would not be.
 */
export async function resumeSession(
  database: Database,
  scope: Scope,
  token: string,
  { sessions: policy, legacyTokens }: ResumePolicies,
): Promise<ResumedSession> {
  const { now } = scope;
  const legacyHandle = legacyTokens?.handleOf(token) ?? null;
  const handle = handleOf(token) ?? legacyHandle;
  if (handle === null) return unknown;
  const session = await findSession(database, handle, legacyHandle !== null);
  if (!session) return unknown;
  if (legacyHandle !== null && legacyTokens?.isEnded(session)) return ended;
  if (!isLive(session, now) || isSuspended(session)) return ended;
  const hashedToken = hashToken(token);
  if (!equalSecrets(hashedToken, session.hashedSessionToken)) return refused(session, hashedToken, now);
  if (!isRenewalDue(session, now, policy)) return { session, isRenewed: false };
  return renewSession(database, scope, session, policy);
}

/** Finds the session with this handle, also where a rotation gave a session of another system a handle of our form. */
async function findSession(database: Database, handle: string, isLegacy: boolean): Promise<SessionWithUser | null> {
  const session = await database.$findSession(handle);
  return session === null && isLegacy ? database.$findSession(ownHandleOf(handle)) : session;
}

/** Of a live session, a token that is not its token. */
function refused(session: Session, hashedToken: string, now: Date): ResumedSession {
  return { session: null, isKnown: true, isJustReplaced: isJustReplaced(session, hashedToken, now) };
}

/** Returns whether the session with this handle has this token now. */
export async function isTokenOf(database: Database, handle: string, token: string): Promise<boolean> {
  const session = await database.$findSession(handle);
  return equalSecrets(hashToken(token), session?.hashedSessionToken);
}

/** A suspension ends all sessions; this is for one that somebody wrote past us. */
function isSuspended({ user }: SessionWithUser): boolean {
  return user !== null && user.suspendedAt !== null;
}

/**
 * Notes that a session is used, and moves its expiry. One conditional statement, so that a session that was ended
 * since it was read stays ended, and is no session; so that a token that was replaced since then renews nothing; and of
 * many uses at once, one is noted.
 */
async function renewSession(
  db: Db,
  { client, now }: Scope,
  session: SessionWithUser,
  policy: SessionPolicy,
): Promise<ResumedSession> {
  // The hash of the token that was presented: it has just been found to equal this one.
  const hashedToken = session.hashedSessionToken ?? '';
  const expiresAt = expiryOf(session.createdAt, now, policy);
  // The expiry is never moved nearer: a policy that became stricter is for new sessions.
  const isRenewed = expiresAt > session.expiresAt;
  const [renewed] = await db.session.updateManyAndReturn({
    where: { id: session.id, lastSeenAt: session.lastSeenAt, ...whereLive(now), hashedSessionToken: hashedToken },
    data: { lastSeenAt: now, ...(isRenewed ? { expiresAt } : {}), ...client },
  });
  if (renewed) return { session: { ...renewed, user: session.user }, isRenewed };
  const current = await db.session.findFirst({ where: { id: session.id, ...whereLive(now) }, include: { user: true } });
  if (!current) return ended;
  const isToken = equalSecrets(hashedToken, current.hashedSessionToken);
  return isToken ? { session: current, isRenewed: false } : refused(current, hashedToken, now);
}
