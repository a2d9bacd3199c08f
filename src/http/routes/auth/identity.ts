/** The facts about a session that proxies and gateways pass on to applications. */
import { claimsOf } from '../../../access-tokens/claims.ts';
import { toNodeId } from '../../../graphql/node-id.ts';
import type { SessionWithUser } from '../../../sessions/session.ts';

/** Returns the headers that describe a session. Those about the user are absent for an anonymous session. */
export function identityHeaders(session: SessionWithUser): Record<string, string> {
  const { user, handle } = session;
  if (user === null) return header('x-auth-session-id', handle);
  const { sub, role, email_verified, auth_time, amr } = claimsOf({ ...session, user }, toNodeId('User', user.id));
  return {
    ...header('x-auth-session-id', handle),
    'x-auth-user-id': sub,
    ...header('x-auth-role', role),
    ...header('x-auth-email', user.email),
    'x-auth-email-verified': String(email_verified),
    ...(auth_time !== undefined && { 'x-auth-time': String(auth_time) }),
    ...(amr && { 'x-auth-methods': amr.join(' ') }),
  };
}

/**
 * Returns a header with a value, or none if a header cannot carry it unchanged (RFC 9110 section 5.5), such as an address
 * with letters beyond ASCII: servers decode such bytes in different ways.
 */
function header(name: string, value: string): Record<string, string> {
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) ? { [name]: value } : {};
}
