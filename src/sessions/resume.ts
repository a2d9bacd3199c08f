import type { SecondFactorPolicy, SessionPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { renewedSessions } from '../diagnostics.ts';
import type { Scope } from '../scope.ts';
import { equalSecrets, handleOf, hashToken, ownHandleOf } from '../tokens/token.ts';
import { lacksSecondFactor } from './assurance/second-factor.ts';
import { expiryOf, isRenewalDue } from './expiry.ts';
import { isJustReplaced } from './rotate.ts';
import { isLive, type Session, type SessionWithUser, whereLive } from './session.ts';

/**
 * The use of a session, which decides what a renewal writes:
 *
 * - `client`: the client of the session uses it. Writes the last use, the expiry, the user agent and the address.
 * - `backend`: the backend of an application uses it for the client. Writes the last use and the expiry; the user agent
 *   and the address stay those of the client.
 * - `none`: the session is only read. Writes nothing.
 */
export type SessionUse = 'client' | 'backend' | 'none';

/** The policies for resuming sessions. */
export type ResumePolicies = {
  sessions: SessionPolicy;
  secondFactor: SecondFactorPolicy;
  /** The use, or a function that tells it from the session. It is called only if a renewal is due. */
  use: SessionUse | ((session: Session) => SessionUse);
  /** The reader of another system's tokens. Null if none are accepted. */
  legacyTokens: LegacyTokens | null;
};

/** The tokens of sessions that another system started and that stay valid here. Handles find their rows too. */
export type LegacyTokens = {
  /** Returns the handle in a token of the other system, or null for every other token. */
  handleOf(token: string): string | null;
  /** Returns whether a session that such a token leads to has ended, although its row looks live. */
  isEnded(session: SessionWithUser): boolean;
};

export type ResumedSession = { session: SessionWithUser } | NoSession;

type NoSession = {
  session: null;
  /** True if the token leads to a session but does not open it (any more). The client may have a newer token. */
  isKnown: boolean;
  /** True if a rotation has just replaced the token, so that the client is about to receive the new one. */
  isJustReplaced: boolean;
  /** The session that has ended or expired, if the token is the one that it had then. Null for every other token. */
  endedSession: SessionWithUser | null;
};

const unknown: NoSession = { session: null, isKnown: false, isJustReplaced: false, endedSession: null };
const known: NoSession = { ...unknown, isKnown: true };

/**
 * Returns the live session that a token opens, and renews it when due. A damaged, unknown, ended or expired token is no
 * error: the session is null.
 *
 * The handle, which is not secret, finds the row. The secret is compared in constant time; an index lookup of a hash
 * would not be.
 */
export async function resumeSession(
  database: Database,
  scope: Scope,
  token: string,
  policies: ResumePolicies,
): Promise<ResumedSession> {
  const { now } = scope;
  const { legacyTokens } = policies;
  const legacyHandle = legacyTokens?.handleOf(token) ?? null;
  const handle = handleOf(token) ?? legacyHandle;
  if (handle === null) return unknown;
  // Also for a session that is unknown or has ended, so that the time does not tell which it is.
  const hashedToken = hashToken(token);
  const session = await findSession(database, handle, legacyHandle !== null);
  if (!session) return unknown;
  if (legacyHandle !== null && legacyTokens?.isEnded(session)) return known;
  if (!isLive(session, now) || isSuspended(session)) return ended(session, hashedToken);
  if (!equalSecrets(hashedToken, session.hashedSessionToken)) return refused(session, hashedToken, now);
  if (lacksSecondFactor(session, policies.secondFactor)) return known;
  return isRenewalDue(session, now, policies.sessions) ? renewSession(database, scope, session, policies) : { session };
}

/** Finds the session with this handle, also after a rotation gave a session of another system a handle of our form. */
async function findSession(database: Database, handle: string, isLegacy: boolean): Promise<SessionWithUser | null> {
  const session = await database.$findSession(handle);
  return session === null && isLegacy ? database.$findSession(ownHandleOf(handle)) : session;
}

/** Takes the place of a hash that is not stored, so that a comparison takes the same time. No token has it. */
const noHash = '-'.repeat(64);

/** Returns the result for a session that is not live, also if its end is not recorded yet. */
function ended(session: SessionWithUser, hashedToken: string): NoSession {
  const expected = session.endedHashedToken ?? session.hashedSessionToken ?? noHash;
  return { ...known, endedSession: equalSecrets(hashedToken, expected) ? session : null };
}

/** Returns the result for a live session and a token that is not its current one. */
function refused(session: Session, hashedToken: string, now: Date): ResumedSession {
  return { ...known, isJustReplaced: isJustReplaced(session, hashedToken, now) };
}

/** Returns whether the session with this handle has this token now. */
export async function isTokenOf(database: Database, handle: string, token: string): Promise<boolean> {
  const session = await database.$findSession(handle);
  return equalSecrets(hashToken(token), session?.hashedSessionToken);
}

/** Guards against sessions that another program wrote: a suspension ends all sessions of the user. */
function isSuspended({ user }: SessionWithUser): boolean {
  return user !== null && user.suspendedAt !== null;
}

/**
 * Writes the use of a session, and moves its expiry, in one conditional statement. So a session that ended since it was
 * read stays ended, and the result has none; a token that was replaced since then renews nothing; and of many
 * concurrent uses, one is written. The token stays the same, so the client has nothing to store.
 */
async function renewSession(
  db: Db,
  { client, now }: Scope,
  session: SessionWithUser,
  { sessions: policy, use: useOf }: ResumePolicies,
): Promise<ResumedSession> {
  const use = typeof useOf === 'function' ? useOf(session) : useOf;
  if (use === 'none') return { session };
  // This is also the hash of the presented token: the two were just found equal.
  const hashedToken = session.hashedSessionToken ?? '';
  const expiresAt = expiryOf(session, now, policy);
  // The expiry never moves nearer: a stricter policy applies to new sessions.
  const expiry = expiresAt > session.expiresAt ? { expiresAt } : {};
  const device = use === 'client' ? client : {};
  const [renewed] = await db.session.updateManyAndReturn({
    where: { id: session.id, lastSeenAt: session.lastSeenAt, ...whereLive(now), hashedSessionToken: hashedToken },
    data: { lastSeenAt: now, ...expiry, ...device },
  });
  if (renewed) {
    renewedSessions.publish({});
    return { session: { ...renewed, user: session.user } };
  }
  const current = await db.session.findFirst({ where: { id: session.id, ...whereLive(now) }, include: { user: true } });
  if (!current) return known;
  const isToken = equalSecrets(hashedToken, current.hashedSessionToken);
  return isToken ? { session: current } : refused(current, hashedToken, now);
}
