/** Records the events of accounts, for their users and for administrators. */
import { insertAll, type NewRow, quoted, type Statements } from '../database/raw-sql.ts';
import { recordedEvents } from '../diagnostics.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import type { ClientInfo, Scope } from '../scope.ts';

/** The types of events, with their descriptions in the schema. */
export const auditEventTypes = {
  SIGNED_UP: 'The user created the account.',
  USER_CREATED: 'An administrator, or a command in a shell, created the account for the user.',
  LOGGED_IN: 'A session started with the right password, with a passkey, or by a mailed link or code.',
  LOGIN_FAILED:
    'A login failed: the password or the mailed code was wrong, or no account has the address. `detail` is `PASSKEY` if ' +
    'a passkey was rejected.',
  LOGIN_REFUSED:
    'A login with the right password, passkey, link or code was refused, because the account is suspended.',
  SECOND_FACTOR_REQUESTED:
    'The first factor of a sign-in was right: the password or a mailed link. The second factor was not given yet.',
  SECOND_FACTOR_FAILED: 'A second factor was wrong: the code of an authenticator app, for example.',
  FACTOR_ADDED: 'A factor was added. `detail` contains its kind, here and below.',
  FACTOR_REPLACED: 'A factor was replaced by another one of its kind.',
  FACTOR_REMOVED: 'A factor was removed.',
  RECOVERY_CODE_USED: 'A recovery code proved a factor, and was used up. `detail` contains the number that is left.',
  SECOND_FACTOR_TURNED_ON: 'The user decided that sign-ins need a second factor.',
  SECOND_FACTOR_TURNED_OFF: 'The user decided that sign-ins need no second factor any more.',
  PASSKEY_CLONE_SUSPECTED:
    'A passkey was rejected, because it counted fewer uses than the server: there may be a copy of it.',
  FACTOR_RESET_REQUESTED:
    'An administrator or an operator requested that all factors but the password be removed. `detail` contains the reason.',
  FACTOR_RESET_CANCELLED:
    'A requested reset of the factors will not take effect. `detail` tells why: `SIGNED_IN` (with a second factor), ' +
    '`REFUSED` (by the mailed link), `CANCELLED`, or `NO_ADMINISTRATOR`: who requested it is none any more.',
  FACTORS_RESET:
    'All factors but the password were removed: as an administrator or an operator had requested, or by the first ' +
    'password reset or sign-in by email to an address that nobody had proved.',
  PASSWORD_CHECK_FAILED: 'A wrong password was given for an operation in a session, or for a link.',
  REAUTHENTICATED:
    'The user proved the identity again in a session. `detail` contains the method, such as PASSWORD or TOTP.',
  LOGGED_OUT: 'The client of a session ended it.',
  SESSION_REVOKED:
    'A session was ended from elsewhere: by its user, also by a mailed link, an administrator, a new password, the ' +
    'undo of a change, the limit on sessions, a suspension, the deletion of the account, or the restoration of a ' +
    'backup.',
  SESSION_EXPIRED: 'A session reached its idle timeout or its absolute lifetime.',
  PASSWORD_CHANGED: 'The user changed the password, and gave the old one.',
  PASSWORD_RESET_REQUESTED: 'A link to set a new password was requested.',
  PASSWORD_RESET: 'A new password was set with a link.',
  PASSWORD_REMOVED:
    'The password was removed: by an operator, or by the first sign-in by email to an address that nobody had proved. ' +
    'A link lets the user choose a new one.',
  EMAIL_VERIFIED: 'The user proved that the email address is theirs.',
  EMAIL_CHANGE_REQUESTED: 'A change of the email address was requested.',
  EMAIL_CHANGED: 'The email address was changed.',
  USERNAME_CHANGED: 'The user changed or removed the username.',
  DEVICE_FORGOTTEN:
    'A trusted device was forgotten. `detail` is `DISOWNED` if the user disowned a session on it, by a mailed link.',
  CHANGE_UNDONE:
    'Changes were undone by a link that was mailed to the restored address. `detail` contains the types of their events.',
  ROLE_CHANGED: 'The role of the user was changed. `detail` contains the old and the new role.',
  USER_SUSPENDED: 'The user was suspended, and can no longer sign in.',
  USER_REINSTATED: 'The suspension ended, and the user can sign in again.',
  USER_UNLOCKED: 'An operator made the server forget the failed attempts at the password.',
  USER_DELETED: 'The account was deleted.',
  PROFILE_CHANGED: 'The user changed the name.',
  PUBLIC_DATA_CHANGED: 'The client of a session changed its public data.',
  PRIVATE_DATA_READ: 'A service read the private data of a session. `detail` contains its name.',
  PRIVATE_DATA_CHANGED: 'A service changed the private data of a session. `detail` contains its name.',
  SERVICE_CLIENT_CREATED: 'A service client was created. `detail` contains its name and its scopes.',
  SERVICE_CLIENT_DISABLED: 'A service client was disabled: its secrets are rejected. `detail` contains its name.',
  SERVICE_CLIENT_ENABLED: 'A disabled service client was enabled again. `detail` contains its name.',
  SERVICE_CLIENT_REVOKED: 'A service client was deleted, with its secrets. `detail` contains its name.',
  SERVICE_SECRET_ROTATED: 'A service client received another secret. `detail` contains its name.',
  SERVICE_SECRET_RETIRED:
    'The secret of a service client from before its last rotation is rejected from now on. `detail` contains its name.',
  WEBHOOK_CREATED: 'A webhook was created. `detail` contains the host of its URL and its number, here and below.',
  WEBHOOK_CHANGED: 'The URL, the description or the types of events of a webhook were changed.',
  WEBHOOK_SECRET_ROTATED: 'A webhook received another secret.',
  WEBHOOK_DISABLED:
    'A webhook was disabled: by an administrator, or because its receiver is gone or failed for five days. Then ' +
    'there is no actor.',
  WEBHOOK_ENABLED: 'A disabled webhook was enabled again.',
  WEBHOOK_DELETED: 'A webhook was deleted, with its deliveries.',
  WEBHOOK_REPLAYED: 'Deliveries to a webhook were sent again.',
  WEBHOOK_TESTED: 'An administrator asked for an event, to test a webhook.',
} as const;

export type AuditEventType = keyof typeof auditEventTypes;

/**
 * The types of events whose requests prove no identity. A session of another user in such a request does not make that
 * user the actor: the account's user would not see the address of a guesser, as they do not see an administrator's.
 */
const unprovenTypes: ReadonlySet<string> = new Set<AuditEventType>([
  'LOGIN_FAILED',
  'LOGIN_REFUSED',
  'SECOND_FACTOR_REQUESTED',
  'SECOND_FACTOR_FAILED',
  'PASSKEY_CLONE_SUSPECTED',
  'PASSWORD_RESET_REQUESTED',
]);

/** Returns whether the request of such an event proves no identity, so that the event has no actor. */
export function isUnproven(type: string): boolean {
  return unprovenTypes.has(type);
}

export type NewAuditEvent = {
  /** The time of the event, if that is not the time of the scope. */
  at?: Date;
  type: AuditEventType;
  /** The user whose history the event belongs to. Null if no account has the address of the attempt. */
  userId: bigint | null;
  /** The acting user, if that is not the actor of the scope. Null if no user acted. */
  actorId?: bigint | null;
  /** The session of the event. By default the session of the scope, unless that belongs to another user. */
  sessionHandle?: string | null;
  /** A role, the reason for an end, and the like. Never a secret, and nothing that a person typed. */
  detail?: string | null;
};

/** Writes events, in the transaction that makes them true if there is one. */
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
  recordedEvents.publish({ types: data.map(({ type }) => type) });
}

type EventRow = NewRow<'AuditEvent'>;

/** An event for each row of a relation: values, or expressions on its columns. */
export type EventsOfRows = {
  [column in Exclude<keyof EventRow, 'type' | keyof ClientInfo>]: EventRow[column] | Prisma.Sql;
} & { type: AuditEventType };

/** Returns the statement that records an event for each row of a relation, as `recordEvents` does. */
export function recordEventsFrom(relation: Prisma.Sql, { client }: Scope, events: EventsOfRows): Prisma.Sql {
  const { ipAddress, userAgent } = client;
  const values = { ...events, ipAddress, userAgent } satisfies Record<keyof EventRow, unknown>;
  const columns = Prisma.raw(quoted(Object.keys(values)));
  return Prisma.sql`INSERT INTO "AuditEvent" (${columns}) SELECT ${Prisma.join(Object.values(values))} FROM ${relation}`;
}

/** Writes one event, as `recordEvents` does. */
export function recordEvent(db: Statements, scope: Scope, event: NewAuditEvent): Promise<void> {
  return recordEvents(db, scope, [event]);
}

function actorOf({ type, actorId }: NewAuditEvent, scope: Scope): bigint | null {
  if (isUnproven(type)) return null;
  return actorId === undefined ? scope.actorId : actorId;
}

/** Returns the session for an event. Null for another user's session: it is no part of the history of this user. */
function handleFor(userId: bigint | null, { session }: Scope): string | null {
  return session !== null && session.userId === userId ? session.handle : null;
}
