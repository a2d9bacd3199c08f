/** The reader of a stream: whose session or service it is, and whether that may still read it. */
import type { Config, SessionPolicy } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { mayFollowEvents, type Scope } from '../scope.ts';
import { scopesOf } from '../service-clients/service-client.ts';
import { lacksSecondFactor } from '../sessions/assurance/second-factor.ts';
import { expiryReasonOf } from '../sessions/expiry.ts';
import { isJustReplaced } from '../sessions/rotate.ts';
import { isLive, type SessionWithUser } from '../sessions/session.ts';
import { equalSecrets, ownHandleOf } from '../tokens/token.ts';
import type { EndedSession } from './messages.ts';

/** The state of the reader of a stream. */
export type ReaderState =
  | { kind: 'allowed'; scope: Scope }
  | { kind: 'ended'; session: EndedSession }
  /** The user is no administrator any more, or the service is disabled or lacks the scope. */
  | { kind: 'lost' }
  /** The token that opened the stream is not the current one. */
  | { kind: 'replaced' };

export type ReaderPolicies = Pick<Config, 'sessions' | 'secondFactor' | 'adminRoles'>;

export type Reader = {
  /** The scope in which the stream was opened. */
  opened: Scope;
  /** True if only administrators and services may read the stream. */
  isPrivileged: boolean;
};

/** Returns the state of a reader, by its session as it is now. Null for a session that was deleted. */
export function stateOfSession(
  { opened, isPrivileged }: Reader,
  session: SessionWithUser | null,
  now: Date,
  { sessions, secondFactor, adminRoles }: ReaderPolicies,
): ReaderState {
  const handle = opened.session?.handle ?? '';
  if (session === null) return { kind: 'ended', session: { handle, reason: 'REVOKED', endedAt: now } };
  const isAccepted = isLive(session, now) && !lacksSecondFactor(session, secondFactor);
  if (!isAccepted || session.user === null || session.user.suspendedAt !== null) {
    const reason = (session.endReason as EndedSession['reason'] | null) ?? unrecordedReason(session, now, sessions);
    return { kind: 'ended', session: { handle: session.handle, reason, endedAt: min(session.expiresAt, now) } };
  }
  const token = opened.presentedToken?.hashedToken ?? '';
  // The client of the new token may still be waiting for it.
  const isToken = equalSecrets(token, session.hashedSessionToken) || isJustReplaced(session, token, now);
  if (!isToken) return { kind: 'replaced' };
  const isAdmin = adminRoles.includes(session.user.role);
  if (isPrivileged && !isAdmin) return { kind: 'lost' };
  return { kind: 'allowed', scope: { ...opened, now, session, actorId: session.userId, isAdmin } };
}

/** Returns the reason of an end that no statement of this server has recorded yet. */
function unrecordedReason(session: SessionWithUser, now: Date, policy: SessionPolicy): EndedSession['reason'] {
  if (session.user?.suspendedAt != null) return 'SUSPENDED';
  const isExpired = session.hashedSessionToken !== null && session.expiresAt <= now;
  return isExpired ? expiryReasonOf(session, policy) : 'REVOKED';
}

function min(one: Date, other: Date): Date {
  return one < other ? one : other;
}

/** Returns the state of a reader now. It is not renewed: an open stream is no use of a session. */
export async function readState(
  database: Database,
  reader: Reader,
  now: Date,
  policies: ReaderPolicies,
): Promise<ReaderState> {
  const { opened } = reader;
  if (isService(reader)) return stateOfService(database, opened, now);
  const handle = opened.session?.handle ?? '';
  const own = ownHandleOf(handle);
  // A session of another system has a handle of our form since a new proof of the password.
  const session = (await database.$findSession(handle)) ?? (own === handle ? null : await database.$findSession(own));
  return stateOfSession(reader, session, now, policies);
}

async function stateOfService(database: Database, opened: Scope, now: Date): Promise<ReaderState> {
  const client = await database.$findServiceClient(opened.service?.clientId ?? '');
  const isAllowed = client !== null && client.disabledAt === null && scopesOf(client).includes('events');
  return isAllowed ? { kind: 'allowed', scope: { ...opened, now } } : { kind: 'lost' };
}

/** Returns whether a service reads the stream, and not the user of a session. */
export function isService({ opened, isPrivileged }: Reader): boolean {
  return isPrivileged && mayFollowEvents(opened);
}

/** Returns whether a handle is that of the reader's session. */
export function isOwnHandle({ opened: { session } }: Reader, handle: string): boolean {
  return session !== null && (session.handle === handle || ownHandleOf(session.handle) === handle);
}
