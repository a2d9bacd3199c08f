import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import type { AuditEventType } from '../../events/record.ts';
import type { Scope } from '../../scope.ts';
import { clientName } from '../client-name.ts';
import type { EndReason } from '../end.ts';
import { expiryReasonOf } from '../expiry.ts';
import { isLive, type SessionWithUser } from '../session.ts';

/** The ways in which a session ends, by who ends it. */
export type EndedBy = 'THIS_DEVICE' | 'OTHER_DEVICE' | 'ADMINISTRATOR' | 'SERVER';

/** Null for a deleted account: the reason is all that is kept. */
const endedBy = {
  LOGOUT: 'THIS_DEVICE',
  REPLACED: 'THIS_DEVICE',
  REVOKED: 'OTHER_DEVICE',
  DISOWNED: 'OTHER_DEVICE',
  PASSWORD_CHANGED: 'OTHER_DEVICE',
  CHANGE_UNDONE: 'OTHER_DEVICE',
  SECOND_FACTOR_REQUIRED: 'OTHER_DEVICE',
  SESSION_LIMIT: 'OTHER_DEVICE',
  REVOKED_BY_ADMIN: 'ADMINISTRATOR',
  SUSPENDED: 'ADMINISTRATOR',
  RESTORED: 'SERVER',
  IDLE_TIMEOUT: 'SERVER',
  LIFETIME: 'SERVER',
  ACCOUNT_DELETED: null,
} satisfies Record<EndReason, EndedBy | null>;

/** The end of a session, for the client that still has its token. */
export type LastSession = {
  endedAt: Date;
  endReason: EndReason;
  /** Null if nothing is kept about it. */
  endedBy: EndedBy | null;
  /** The name of the client that ended the session. Null if none did, and if nothing is kept about it (any more). */
  device: string | null;
};

type End = { at: Date; reason: EndReason };

/**
 * Returns the end of the session whose token the request presented. Null for a caller with a live session, without the
 * token of an ended one, and for sessions that ended before their token was kept.
 */
export async function lastSessionOf(
  database: Database,
  scope: Scope,
  policies: Pick<Config, 'sessions' | 'deviceRetentionMs'>,
): Promise<LastSession | null> {
  const { endedSession: session, now } = scope;
  if (session === null || scope.session !== null) return null;
  const end = endOf(session, scope, policies);
  if (end === null) return null;
  const by = endedBy[end.reason];
  const isKept = now.getTime() - end.at.getTime() < policies.deviceRetentionMs;
  const userAgent = isKept ? await userAgentOf(database, session, end, by) : null;
  return { endedAt: end.at, endReason: end.reason, endedBy: by, device: clientName(userAgent) };
}

/** Returns the end of a session that is not live, also if it is not recorded yet. Null for an unknown reason. */
function endOf(session: SessionWithUser, { now }: Scope, { sessions }: Pick<Config, 'sessions'>): End | null {
  const { endReason, expiresAt: at, user } = session;
  // Another program left the session live, and `resumeSession` refuses it for the suspension of its user.
  if (isLive(session, now)) return user?.suspendedAt ? { at: user.suspendedAt, reason: 'SUSPENDED' } : null;
  if (session.hashedSessionToken !== null) return { at, reason: expiryReasonOf(session, sessions) };
  return isKnownReason(endReason) ? { at, reason: endReason } : null;
}

function isKnownReason(reason: string | null): reason is EndReason {
  return reason !== null && Object.hasOwn(endedBy, reason);
}

/** Returns the user agent of the client of the user that ended a session. Null if an administrator or the server did. */
async function userAgentOf(
  database: Database,
  { handle, userAgent }: SessionWithUser,
  { at }: End,
  by: EndedBy | null,
): Promise<string | null> {
  if (by === 'THIS_DEVICE') return userAgent;
  if (by !== 'OTHER_DEVICE') return null;
  // By the index of the time: the end of a session and its event have the same.
  const where = { at, sessionHandle: handle, type: 'SESSION_REVOKED' satisfies AuditEventType };
  const event = await database.auditEvent.findFirst({ where });
  return event !== null && event.actorId === event.userId ? event.userAgent : null;
}
