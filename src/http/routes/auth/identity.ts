/** The facts about a session that proxies and gateways pass on to applications. */
import { claimsOf } from '../../../access-tokens/claims.ts';
import { toNodeId } from '../../../graphql/node-id.ts';
import type { SessionWithUser } from '../../../sessions/session.ts';

/** Returns the headers that describe a session. Those about the user are absent for an anonymous session. */
export function identityHeaders(session: SessionWithUser): Record<string, string> {
  const { user, handle } = session;
  if (user === null) return { 'x-auth-session-id': handle };
  const { sub, role, email_verified, auth_time, amr } = claimsOf({ ...session, user }, toNodeId('User', user.id));
  return printable({
    'x-auth-session-id': handle,
    'x-auth-user-id': sub,
    'x-auth-role': role,
    'x-auth-email': user.email,
    'x-auth-email-verified': String(email_verified),
    ...(auth_time !== undefined && { 'x-auth-time': String(auth_time) }),
    ...(amr && { 'x-auth-methods': amr.join(' ') }),
  });
}

/**
 * Leaves out values that a header cannot carry unchanged (RFC 9110 section 5.5), such as an address with letters beyond
 * ASCII: servers decode such bytes in different ways.
 */
function printable(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([, value]) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)),
  );
}
