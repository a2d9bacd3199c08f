/** What happened to accounts, kept for their users and for administrators. */
import { insertAll, type Statements } from '../database/raw-sql.ts';
import type { Scope } from '../scope.ts';

/** The kinds of events, and what each means. */
export const auditEventTypes = {
  SIGNED_UP: 'The account was made by its user.',
  USER_CREATED: 'The account was made for its user, by an administrator or from a shell.',
  LOGGED_IN: 'A session started with the right password.',
  LOGIN_FAILED: 'Somebody tried to log in with a wrong password, or with an address that nobody has.',
  LOGIN_REFUSED: 'Somebody tried to log in with the right password, but the account is suspended.',
  PASSWORD_CHECK_FAILED: 'The password was asked for, in a session or for a link, and a wrong one given.',
  REAUTHENTICATED: 'The password was proved again in a session.',
  LOGGED_OUT: 'A session was ended by its own client.',
  SESSION_REVOKED: 'A session was ended from elsewhere: by its user, an administrator, or a new password.',
  SESSION_EXPIRED: 'A session reached its idle timeout or its absolute lifetime.',
  PASSWORD_CHANGED: 'The user chose a new password, knowing the old one.',
  PASSWORD_RESET_REQUESTED: 'A link to choose a new password was asked for.',
  PASSWORD_RESET: 'A new password was chosen by a link.',
  EMAIL_VERIFIED: 'The user proved that the address is theirs.',
  EMAIL_CHANGE_REQUESTED: 'A change of the address was asked for.',
  EMAIL_CHANGED: 'The address was changed.',
  ROLE_CHANGED: 'The user was given another role; the detail says which.',
  USER_SUSPENDED: 'The user may not sign in any more.',
  USER_REINSTATED: 'The user may sign in again.',
  USER_DELETED: 'The account was deleted.',
} as const;

export type AuditEventType = keyof typeof auditEventTypes;

/**
 * Events of requests that prove nothing for the account. A session of somebody else that such a request came with does
 * not make its user the actor: guesses from it would be hidden from the user of the account, as an administrator is.
 */
const unprovenTypes: ReadonlySet<string> = new Set<AuditEventType>([
  'LOGIN_FAILED',
  'LOGIN_REFUSED',
  'PASSWORD_RESET_REQUESTED',
]);

/** Returns whether an event of this type proves nothing of who caused it, so that it has no actor. */
export function isUnproven(type: string): boolean {
  return unprovenTypes.has(type);
}

export type NewAuditEvent = {
  /** When it happened, where that is not the time of the scope. */
  at?: Date;
  type: AuditEventType;
  /** Whose history it belongs to. Null where nobody has the address that was tried. */
  userId: bigint | null;
  /** Who did it, where that is not the actor of the scope. Null for nobody. */
  actorId?: bigint | null;
  /** The session that it is about. That of the scope if not given, unless it is another user's. */
  sessionHandle?: string | null;
  /** What it became. Never a secret, and nothing that a person typed. */
  detail?: string | null;
};

/** Writes events, in the transaction that makes them true where there is one. */
export async function recordEvents(db: Statements, scope: Scope, events: NewAuditEvent[]): Promise<void> {
  const data = events.map((event) => ({
    at: event.at ?? scope.now,
    type: event.type,
    userId: event.userId,
    actorId: actorOf(event, scope),
    sessionHandle: event.sessionHandle === undefined ? handleFor(event.userId, scope) : event.sessionHandle,
    detail: event.detail ?? null,
    ...scope.client,
  }));
  await insertAll(db, 'AuditEvent', data);
}

/** Writes one event, as `recordEvents` does. */
export function recordEvent(db: Statements, scope: Scope, event: NewAuditEvent): Promise<void> {
  return recordEvents(db, scope, [event]);
}

function actorOf({ type, actorId }: NewAuditEvent, scope: Scope): bigint | null {
  if (isUnproven(type)) return null;
  return actorId === undefined ? scope.actorId : actorId;
}

/** In which session somebody else acts is no part of a user's history. */
function handleFor(userId: bigint | null, { session }: Scope): string | null {
  return session !== null && session.userId === userId ? session.handle : null;
}
