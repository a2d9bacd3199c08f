import type { SessionPolicy } from '../config.ts';
import type { Database, Db } from '../database/database.ts';
import { blitzHandleOf, equalSecrets, handleOf, hashToken } from '../token.ts';
import type { Device } from './device.ts';
import { expiryOf, renewalThreshold } from './expiry.ts';
import { isLive, type SessionWithUser, whereLive } from './session.ts';

/** Who uses a session, when, and by which rules. */
export type Use = {
  device: Device;
  policy: SessionPolicy;
  /** Whether tokens that Blitz.js made open the sessions that it started. */
  acceptsBlitz: boolean;
  now: Date;
};

export type ResumedSession =
  | {
      session: SessionWithUser;
      /** Whether `expiresAt` has just moved, so that a cookie has to be sent again. */
      isRenewed: boolean;
    }
  | {
      session: null;
      /** Whether there was a session, which has ended or expired. */
      isOver: boolean;
    };

const unknown: ResumedSession = { session: null, isOver: false };
const over: ResumedSession = { session: null, isOver: true };

/**
 * The live session that a token opens, or none: a damaged, unknown, ended or expired token is simply no session.
 *
 * The row is found by the handle, which is no secret, and the secret is compared in constant time; looking a hash up
 * in an index would not be.
 */
export async function resumeSession(database: Database, token: string, use: Use): Promise<ResumedSession> {
  const blitzHandle = use.acceptsBlitz ? blitzHandleOf(token) : null;
  const handle = handleOf(token) ?? blitzHandle;
  if (handle === null) return unknown;
  const session = await database.$findSession(handle);
  if (!session) return unknown;
  // Blitz.js gave such tokens to users only: somebody who had one and has no user any more was deleted.
  if (blitzHandle !== null && session.user === null) return over;
  if (!isLive(session, use.now) || isSuspended(session)) return over;
  if (!equalSecrets(hashToken(token), session.hashedSessionToken)) return unknown;
  const lastSeenAt = session.lastSeenAt ?? session.createdAt;
  const isDue = lastSeenAt <= renewalThreshold(use.now, use.policy);
  return isDue ? renewSession(database, session, use) : { session, isRenewed: false };
}

/** A suspension ends all sessions; this is for one that somebody wrote past us. */
function isSuspended({ user }: SessionWithUser): boolean {
  return user !== null && user.suspendedAt !== null;
}

/**
 * Notes that a session is used, and moves its expiry. One conditional statement, so that a session that was ended
 * since it was read stays ended, and is no session; and of many uses at once, one is noted.
 */
async function renewSession(db: Db, session: SessionWithUser, use: Use): Promise<ResumedSession> {
  const { device, policy, now } = use;
  const expiresAt = expiryOf(session.createdAt, now, policy);
  // The expiry is never moved nearer: a policy that became stricter is for new sessions.
  const isRenewed = expiresAt > session.expiresAt;
  const [renewed] = await db.session.updateManyAndReturn({
    where: { id: session.id, lastSeenAt: session.lastSeenAt, ...whereLive(now) },
    data: { lastSeenAt: now, ...(isRenewed ? { expiresAt } : {}), ...device },
  });
  if (renewed) return { session: { ...renewed, user: session.user }, isRenewed };
  const current = await db.session.findFirst({ where: { id: session.id, ...whereLive(now) }, include: { user: true } });
  return current ? { session: current, isRenewed: false } : over;
}
