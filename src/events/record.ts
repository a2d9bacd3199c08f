/** What happened to accounts, kept for their users and for administrators. */
import type { Db } from '../database/database.ts';
import { insert } from '../database/raw-sql.ts';

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

/** Where a session is used from, as far as the request tells. */
export type Device = {
  /** The `User-Agent` header. Null if there was none. */
  userAgent: string | null;
  /** The client's address, never that of a trusted proxy. Null if it is not known. */
  ipAddress: string | null;
};

/** Who does something, and from where. */
export type Origin = {
  device: Device;
  /** The session that the request came with. Null if there was none, and for what is done from a shell. */
  session: { handle: string; userId: number | null } | null;
  /** Who does it, where that is not the user of the session: somebody who proved it by a link or a password. */
  actorId?: number;
};

/** Somebody who does something in a session of theirs. */
export type SessionOrigin = Origin & { session: NonNullable<Origin['session']> & { id: number } };

/** What is done from a shell. */
export const fromShell: Origin = { device: { userAgent: null, ipAddress: null }, session: null };

export type NewAuditEvent = {
  type: AuditEventType;
  /** Whose history it belongs to. Null where nobody has the address that was tried. */
  userId: number | null;
  /** Who did it, where the origin says somebody else. Null for nobody. */
  actorId?: number | null;
  /** The session that it is about. That of the origin if not given, unless it is somebody else's. */
  sessionHandle?: string | null;
  /** What it became. Never a secret, and nothing that a person typed. */
  detail?: string | null;
};

/** Writes events, in the transaction that makes them true where there is one. */
export async function recordEvents(db: Db, events: NewAuditEvent[], origin: Origin, at: Date): Promise<void> {
  const { device } = origin;
  const data = events.map((event) => ({
    at,
    type: event.type,
    userId: event.userId,
    actorId: actorOf(event, origin),
    sessionHandle: event.sessionHandle === undefined ? handleFor(event.userId, origin) : event.sessionHandle,
    detail: event.detail ?? null,
    ...device,
  }));
  const [first] = data;
  if (!first) return;
  if (data.length === 1) await insert(db, 'AuditEvent', first);
  else await db.auditEvent.createMany({ data });
}

function actorOf({ type, actorId }: NewAuditEvent, origin: Origin): number | null {
  if (isUnproven(type)) return null;
  return actorId === undefined ? (origin.actorId ?? origin.session?.userId ?? null) : actorId;
}

/** In which session somebody else acts is no part of a user's history. */
function handleFor(userId: number | null, { session }: Origin): string | null {
  return session !== null && session.userId === userId ? session.handle : null;
}

export function recordEvent(db: Db, event: NewAuditEvent, origin: Origin, at: Date): Promise<void> {
  return recordEvents(db, [event], origin, at);
}
