import { ReauthenticationRequiredError } from '../errors.ts';
import type { Scope } from '../scope.ts';
import { type AssuranceLevel, levelOf } from './assurance/level.ts';
import type { Session } from './session.ts';

/** The authentication methods, in the order in which they are stored. */
export const authenticationMethods = [
  'password',
  'email',
  'totp',
  'passkey',
  'security_key',
  'recovery_code',
  'trusted_device',
] as const;

/**
 * - `email`: a link or a code that was mailed to the address of the user.
 * - `totp`: a code of an authenticator app.
 * - `passkey`: a passkey whose device verified the user, by a PIN or a fingerprint.
 * - `security_key`: a passkey whose device did not verify the user.
 * - `trusted_device`: nothing was proved. The user had told this device to ask for no second factor.
 */
export type AuthenticationMethod = (typeof authenticationMethods)[number];

/** A proof of identity: methods and time. A sign-in needs one, and the session stores it. */
export type Proof = { methods: readonly AuthenticationMethod[]; at: Date };

/** The last proof by one method. */
export type MethodProof = { method: AuthenticationMethod; at: Date };

/** Formats methods for storage: their names, separated by spaces. */
export function formatMethods(methods: readonly AuthenticationMethod[]): string {
  return authenticationMethods.filter((method) => methods.includes(method)).join(' ');
}

/** Returns stored methods in their order. None if they were never recorded. */
export function methodsOf(stored: string | null): AuthenticationMethod[] {
  const known = stored?.split(' ') ?? [];
  return authenticationMethods.filter((method) => known.includes(method));
}

/** The columns of a session that store its proofs. */
export type StoredProofs = Pick<Session, 'authenticatedAt' | 'authenticationMethods' | 'proofs'>;

/** Returns the last proof of a session by each method, in the order of the methods. None if they were never recorded. */
export function proofsOf({ authenticatedAt, authenticationMethods: methods, proofs }: StoredProofs): MethodProof[] {
  if (authenticatedAt === null) return [];
  if (proofs === null) return methodsOf(methods).map((method) => ({ method, at: authenticatedAt }));
  const times = new Map(proofs.split(' ').map((proof) => proof.split('@') as [string, string]));
  const found = authenticationMethods.flatMap((method) => {
    const time = times.get(method);
    return time === undefined ? [] : [{ method, at: new Date(Number(time)) }];
  });
  // A server of an earlier version, which knows no other method, has verified the password since.
  const isOlder = found.every(({ at }) => at < authenticatedAt);
  return isOlder ? withProof(found, { methods: ['password'], at: authenticatedAt }) : found;
}

/** Returns the stored form of a proof, added to earlier ones. */
export function storedProofs(proof: Proof, earlier: MethodProof[] = []): StoredProofs {
  const all = withProof(earlier, proof);
  return {
    authenticatedAt: proof.at,
    authenticationMethods: formatMethods(all.map(({ method }) => method)),
    proofs: all.map(({ method, at }) => `${method}@${at.getTime()}`).join(' '),
  };
}

/** Returns the last proof by each method, in the order of the methods. */
function withProof(earlier: MethodProof[], { methods, at }: Proof): MethodProof[] {
  return authenticationMethods.flatMap((method) => {
    const proved = methods.includes(method) ? { method, at } : earlier.find((one) => one.method === method);
    return proved ? [proved] : [];
  });
}

/** The proofs that an operation needs. */
export type ProofRequirement = {
  /** The maximum age of the proofs. */
  withinMs: number;
  /** The minimum level that these proofs reach together. */
  level: AssuranceLevel;
};

/** Returns the methods that a session has proved within a time. */
export function recentMethodsOf(session: StoredProofs, withinMs: number, now: Date): AuthenticationMethod[] {
  const recent = proofsOf(session).filter(({ at }) => now.getTime() - at.getTime() <= withinMs);
  return recent.map(({ method }) => method);
}

/** Returns whether the recent proofs of a session reach a level. */
export function hasProof(session: StoredProofs, { withinMs, level }: ProofRequirement, now: Date): boolean {
  return (levelOf(recentMethodsOf(session, withinMs, now)) ?? 0) >= level;
}

/**
 * Requires recent proofs in this session. Protects operations for which an unlocked device must not be enough.
 *
 * @throws ReauthenticationRequiredError if the recent proofs do not reach the level.
 */
export function requireProof({ session, now }: Scope, requirement: ProofRequirement): void {
  if (session !== null && hasProof(session, requirement, now)) return;
  throw new ReauthenticationRequiredError(requirement);
}
