import type { Auth } from '../auth.ts';
import { ProofRequired } from '../errors.ts';
import { levelOf } from './level.ts';

/** The proofs that an operation needs. */
export type ProofRequirement = {
  /** The maximum age of the proofs, in seconds. */
  withinSeconds: number;
  /** The minimum level that they reach together: 1 for one factor, 2 for two different ones (NIST SP 800-63B-4). */
  level: 1 | 2;
};

/**
 * Compares the proofs of a session with those that an operation needs. Returns null if they suffice. If not, returns the
 * answer that asks the client for them, with the status 401 (RFC 9470): send its `getResponse()`, or throw it. Without a
 * user, the answer asks for a login (RFC 6750 section 3.1).
 *
 * @param now - the time of the request. By default the time of this machine
 *
 * @example
 * const refusal = requireProof(auth, { withinSeconds: 300, level: 2 });
 * if (refusal) return refusal.getResponse();
 */
export function requireProof(
  auth: Auth | null,
  { withinSeconds, level }: ProofRequirement,
  now: Date = new Date(),
): ProofRequired | null {
  if (!auth?.user) return new ProofRequired('You are not signed in. Log in first.', 'Bearer');
  const recent = auth.session.proofs.filter(({ at }) => now.getTime() - at.getTime() <= withinSeconds * 1_000);
  if (levelOf(recent.map(({ method }) => method)) >= level) return null;
  const message = level === 2 ? 'Prove two factors again, then retry.' : 'Prove your identity again, then retry.';
  const challenge =
    `Bearer error="insufficient_user_authentication", error_description="${message}", ` +
    `acr_values="aal${level}", max_age="${withinSeconds}"`;
  return new ProofRequired(message, challenge);
}
