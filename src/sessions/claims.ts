import type { AuthenticationMethod } from './proof.ts';
import type { Session } from './session.ts';

/** Facts about the authentication in a session, by their names in OpenID Connect Core 1.0 section 2. */
export type AuthenticationClaims = {
  /** When the user last proved the password, in seconds. Absent if that is unknown, and for anonymous sessions. */
  auth_time?: number;
  /** The authentication methods (RFC 8176). Absent if they are unknown. */
  amr?: string[];
  /** The assurance level: `aal1`, one factor (NIST SP 800-63B-4 section 2). Absent if `auth_time` is. */
  acr?: 'aal1';
};

/** The values of `amr`. RFC 8176 has none for a mailed link. */
const amrOf: Record<AuthenticationMethod, string> = { password: 'pwd', email: 'email' };

/** Returns the claims of a session about the authentication of its user. */
export function authenticationClaims({ authenticatedAt, authenticationMethods }: Session): AuthenticationClaims {
  if (authenticatedAt === null) return {};
  const methods = Object.entries(amrOf).filter(([method]) => authenticationMethods?.split(' ').includes(method));
  const amr = methods.length > 0 ? { amr: methods.map(([, value]) => value) } : {};
  return { auth_time: toSeconds(authenticatedAt), ...amr, acr: 'aal1' };
}

/** Returns a time as a NumericDate (RFC 7519 section 2), rounded down. */
export function toSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
