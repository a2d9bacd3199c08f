import type { User } from '../generated/sqlite/client.ts';
import { levelOf } from '../sessions/assurance/level.ts';
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

/**
 * Names of the IANA registry "Authentication Method Reference Values" (RFC 8176). It has none for a link that was
 * mailed, for a recovery code, and for a trusted device.
 */
const amrNames: Record<AuthenticationMethod, readonly string[]> = {
  password: ['pwd'],
  email: ['email'],
  totp: ['otp'],
  passkey: ['pop', 'user'],
  security_key: ['pop'],
  recovery_code: ['recovery_code'],
  trusted_device: ['trusted_device'],
};

/** Returns the names of methods, with `mfa` if they are several factors. */
function amrOf(methods: readonly AuthenticationMethod[]): string[] {
  const names = methods.flatMap((method) => amrNames[method]);
  return [...new Set(levelOf(methods) === 2 ? [...names, 'mfa'] : names)];
}

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
    ...(methods.length > 0 && { amr: amrOf(methods), acr: `aal${levelOf(methods) ?? 1}` }),
    role: user.role,
    email_verified: user.emailVerifiedAt !== null,
  };
}

/** Returns a time as in a JWT: RFC 7519 `NumericDate`, without fractions, which some verifiers refuse. */
export function toUnixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
