/** The reasons why sessions end, in the words of CAEP 1.0 section 2. */
import type { EndReason } from '../sessions/end.ts';

/** The entity that caused an event (`initiating_entity`). This server sends no `system`. */
export type InitiatingEntity = 'admin' | 'user' | 'policy';

type SessionEnd = {
  /** Missing if the user or an administrator can be the cause: the actor of the event decides it then. */
  by?: InitiatingEntity;
  /** Tells administrators the reason (`reason_admin`). */
  forAdmin: string;
  /** Tells the user the reason (`reason_user`). */
  forUser: string;
};

const sessionEnds: Record<EndReason, SessionEnd> = {
  LOGOUT: { by: 'user', forAdmin: 'The client of the session ended it.', forUser: 'You signed out.' },
  REPLACED: { by: 'user', forAdmin: 'The client of the session signed in again.', forUser: 'You signed in again.' },
  REVOKED: {
    by: 'user',
    forAdmin: 'The user ended the session from another one.',
    forUser: 'You signed this device out from another one.',
  },
  REVOKED_BY_ADMIN: {
    by: 'admin',
    forAdmin: 'An administrator or an operator ended the session.',
    forUser: 'An administrator signed you out.',
  },
  DISOWNED: {
    by: 'user',
    forAdmin: 'The user reported the session by a mailed link.',
    forUser: 'You reported the session by a mailed link.',
  },
  PASSWORD_CHANGED: { forAdmin: 'The password was changed.', forUser: 'The password was changed. Sign in again.' },
  SECOND_FACTOR_REQUIRED: {
    forAdmin: 'The session lacked the second factor that its user needs.',
    forUser: 'Your account needs a second factor now. Sign in again.',
  },
  CHANGE_UNDONE: {
    forAdmin: 'A mailed link undid a change of the address or the password.',
    forUser: 'A change of your account was undone. Choose a new password.',
  },
  SESSION_LIMIT: {
    by: 'policy',
    forAdmin: 'The user had more sessions than the server allows.',
    forUser: 'You signed in on too many devices.',
  },
  SUSPENDED: { by: 'admin', forAdmin: 'The user was suspended.', forUser: 'This account is suspended.' },
  RESTORED: {
    by: 'admin',
    forAdmin: 'The database was restored from a backup.',
    forUser: 'The server was restored. Sign in again.',
  },
  ACCOUNT_DELETED: { forAdmin: 'The account was deleted.', forUser: 'This account was deleted.' },
  IDLE_TIMEOUT: {
    by: 'policy',
    forAdmin: 'The session was not used for the idle timeout.',
    forUser: 'You were away for too long. Sign in again.',
  },
  LIFETIME: {
    by: 'policy',
    forAdmin: 'The session reached its absolute lifetime.',
    forUser: 'You have been signed in for too long. Sign in again.',
  },
};

/** The ends whose events name no reason, because the type of the event tells it. */
const plainEnds: Record<string, EndReason> = { LOGGED_OUT: 'LOGOUT', SESSION_REVOKED: 'REVOKED' };

/**
 * Returns the claims about the reason of an end.
 *
 * @param detail - the reason in the event. One of a newer version of this server is passed on as it is.
 * @param actor - the entity that the actor of the event is
 */
export function claimsOfEnd(type: string, detail: string | null, actor: InitiatingEntity): object {
  const name = detail ?? plainEnds[type] ?? '';
  const { by = actor, forAdmin, forUser } = Object.hasOwn(sessionEnds, name) ? sessionEnds[name as EndReason] : unknown;
  return {
    initiating_entity: by,
    reason_admin: { en: name === '' ? forAdmin : `${name}: ${forAdmin}` },
    reason_user: { en: forUser },
  };
}

const unknown: SessionEnd = { forAdmin: 'The session was ended.', forUser: 'You were signed out.' };
