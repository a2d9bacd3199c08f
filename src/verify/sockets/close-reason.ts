/** The types of the events that tell the end of a session. */
export const endTypes = ['LOGGED_OUT', 'SESSION_REVOKED', 'SESSION_EXPIRED'] as const;

/**
 * Why a socket has to close.
 *
 * - `LOGGED_OUT`: the client of the session ended it, or signed in again.
 * - `SESSION_REVOKED`: it was ended from elsewhere, for example by an administrator or a new password.
 * - `SESSION_EXPIRED`: it reached its idle timeout or its absolute lifetime.
 * - `SESSION_ENDED`: the token of the socket opens no session any more. Nothing tells why.
 * - `UNREACHABLE`: nobody could say for `maxUnreachableMs` whether the session is live. It may be. Let clients try again.
 * - `STOPPED`: the application called `stop`. Let clients try again.
 */
export type CloseReason = (typeof endTypes)[number] | 'SESSION_ENDED' | 'UNREACHABLE' | 'STOPPED';

/** The end of a session. */
export type SessionEnd = { handle: string; reason: CloseReason };

/** Returns whether a socket closes although its session may be live. Its client may try again at once. */
export function isTemporary(reason: CloseReason): boolean {
  return reason === 'UNREACHABLE' || reason === 'STOPPED';
}
