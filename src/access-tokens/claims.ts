import type { User } from '../generated/sqlite/client.ts';
import { levelOf, reachedSince } from '../sessions/assurance/level.ts';
import { type AuthenticationMethod, proofsOf } from '../sessions/proof.ts';
import type { SessionWithUser } from '../sessions/session.ts';

/** The claims of a token about a session and its user. */
export type SessionClaims = {
  /** The global ID of the user. */
  sub: string;
  /** The handle of the session, which is no secret. */
  sid: string;
  /**
   * The time since which the session has the level `acr`, in Unix seconds: of the newest proofs that reach it together,
   * the time of the oldest. So an old second factor does not seem new after the password alone. Missing if no proof was
   * recorded.
   */
  auth_time?: number;
  /** The methods of all proofs in the session (RFC 8176). Missing if they were never recorded. */
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
  const { handle, user, authenticatedAt } = session;
  const proofs = proofsOf(session);
  const methods = proofs.map(({ method }) => method);
  const level = levelOf(methods);
  const since = level === null ? authenticatedAt : reachedSince(proofs, level);
  return {
    sub: subject,
    sid: handle,
    ...(since && { auth_time: toUnixSeconds(since) }),
    ...(level && { amr: amrOf(methods), acr: `aal${level}` }),
    role: user.role,
    email_verified: user.emailVerifiedAt !== null,
  };
}

/** Returns a time as in a JWT: RFC 7519 `NumericDate`, without fractions, which some verifiers refuse. */
export function toUnixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
