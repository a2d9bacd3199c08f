/** The assurance levels of authentication (NIST SP 800-63B-4 section 2), and the methods that reach them. */
import type { AuthenticationMethod, MethodProof } from '../proof.ts';

/** 1: one factor. 2: two different factors. */
export type AssuranceLevel = 1 | 2;

/** The factors of each method (section 2.2). The PIN or the fingerprint of a passkey counts as what the user knows. */
const factors: Record<AuthenticationMethod, readonly ('knowledge' | 'possession')[]> = {
  password: ['knowledge'],
  email: [],
  totp: ['possession'],
  passkey: ['possession', 'knowledge'],
  security_key: ['possession'],
  recovery_code: ['possession'],
  trusted_device: [],
};

/**
 * Returns the level that methods reach together, or null if they prove nothing.
 *
 * A passkey whose device verifies the user has two factors: the device, and a PIN or a fingerprint. An email proves
 * neither: section 3.1.3.1 of NIST SP 800-63B-4 excludes it, because a mailbox is no device.
 */
export function levelOf(methods: readonly AuthenticationMethod[]): AssuranceLevel | null {
  if (new Set(methods.flatMap((method) => factors[method])).size === 2) return 2;
  return methods.some((method) => method !== 'trusted_device') ? 1 : null;
}

/** Returns whether a method proves a factor that others do not prove. */
export function addsFactor(proved: readonly AuthenticationMethod[], method: AuthenticationMethod): boolean {
  const known = new Set(proved.flatMap((one) => factors[one]));
  return factors[method].some((factor) => !known.has(factor));
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
