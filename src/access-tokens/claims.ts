import type { User } from '../generated/sqlite/client.ts';
import { type AuthenticationMethod, methodsOf } from '../sessions/proof.ts';
import type { SessionWithUser } from '../sessions/session.ts';

/** The claims of a token about a session and its user. */
export type SessionClaims = {
  /** The global ID of the user. */
  sub: string;
  /** The handle of the session, which is no secret. */
  sid: string;
  /** The time of the last authentication of the user, in Unix seconds. Missing if it was never recorded. */
  auth_time?: number;
  /** The methods of that authentication (RFC 8176). Missing if they were never recorded. */
  amr?: string[];
  /** The assurance level of these methods (NIST SP 800-63B-4 section 2). Missing if `amr` is. */
  acr?: string;
  role: string;
  email_verified: boolean;
};

/** Names from RFC 8176 where it has one. It has none for a link that was mailed. */
const amrNames: Record<AuthenticationMethod, string> = { password: 'pwd', email: 'email' };

/** Each method is one factor, and a password that was set by a mailed link is one too. */
const singleFactor = 'aal1';

/**
 * Returns the claims about a session of a user.
 *
 * @param subject - the global ID of the user, as in `User.id`
 */
export function claimsOf(session: SessionWithUser & { user: User }, subject: string): SessionClaims {
  const { handle, user, authenticatedAt, authenticationMethods } = session;
  const methods = methodsOf(authenticationMethods);
  return {
    sub: subject,
    sid: handle,
    ...(authenticatedAt && { auth_time: toUnixSeconds(authenticatedAt) }),
    ...(methods.length > 0 && { amr: methods.map((method) => amrNames[method]), acr: singleFactor }),
    role: user.role,
    email_verified: user.emailVerifiedAt !== null,
  };
}

/** Returns a time as in a JWT: RFC 7519 `NumericDate`, without fractions, which some verifiers refuse. */
export function toUnixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
