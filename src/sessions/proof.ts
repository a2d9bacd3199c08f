import { ReauthenticationRequiredError } from '../errors.ts';
import type { Scope } from '../scope.ts';

/** The authentication methods, in the order in which they are stored. */
export const authenticationMethods = ['password', 'email'] as const;

/** `email` stands for a link that was mailed to the address of the user. */
export type AuthenticationMethod = (typeof authenticationMethods)[number];

/** A proof of identity: methods and time. A sign-in needs one, and the session stores it. */
export type Proof = { methods: readonly AuthenticationMethod[]; at: Date };

/** Formats methods for storage: their names, separated by spaces. */
export function formatMethods(methods: readonly AuthenticationMethod[]): string {
  return authenticationMethods.filter((method) => methods.includes(method)).join(' ');
}

/** Returns stored methods in their order. None if they were never recorded. */
export function methodsOf(stored: string | null): AuthenticationMethod[] {
  const known = stored?.split(' ') ?? [];
  return authenticationMethods.filter((method) => known.includes(method));
}

/** Adds a method to stored methods. */
export function withMethod(stored: string | null, method: AuthenticationMethod): string {
  return formatMethods([...methodsOf(stored), method]);
}

/**
 * Requires a recent proof of the password in this session. Protects operations for which an unlocked device must not be
 * enough.
 *
 * @throws ReauthenticationRequiredError if the last proof is older than `maxAgeMs`, or there is none.
 */
export function requireRecentPassword({ session, now }: Scope, maxAgeMs: number): void {
  const authenticatedAt = session?.authenticatedAt ?? null;
  const isRecent = authenticatedAt !== null && now.getTime() - authenticatedAt.getTime() <= maxAgeMs;
  if (!isRecent) throw new ReauthenticationRequiredError();
}
