/** The assurance levels of authentication (NIST SP 800-63B-4 section 2), and the methods that reach them. */
import type { AuthenticationMethod, MethodProof } from './proof.ts';

/** 1: one factor. 2: two different factors. */
export type AssuranceLevel = 1 | 2;

/** Methods that prove the possession of something. */
const possessions: ReadonlySet<AuthenticationMethod> = new Set(['totp', 'security_key', 'recovery_code']);

/**
 * Returns the level that methods reach together, or null if they prove nothing.
 *
 * A passkey whose device verifies the user has two factors: the device, and a PIN or a fingerprint. An email proves
 * neither: section 3.1.3.1 of NIST SP 800-63B-4 excludes it, because a mailbox is no device.
 */
export function levelOf(methods: readonly AuthenticationMethod[]): AssuranceLevel | null {
  if (methods.includes('passkey')) return 2;
  const hasPossession = methods.some((method) => possessions.has(method));
  if (hasPossession && methods.includes('password')) return 2;
  return methods.some((method) => method !== 'trusted_device') ? 1 : null;
}

/**
 * Returns the time since which proofs have reached a level: the time of the oldest of the newest proofs that reach it
 * together. Null if they do not reach it.
 */
export function reachedSince(proofs: readonly MethodProof[], level: AssuranceLevel): Date | null {
  const newestFirst = proofs.map(({ at }) => at).sort((a, b) => b.getTime() - a.getTime());
  const reaches = (time: Date) => {
    const newer = proofs.filter(({ at }) => at >= time).map(({ method }) => method);
    return (levelOf(newer) ?? 0) >= level;
  };
  return newestFirst.find(reaches) ?? null;
}
