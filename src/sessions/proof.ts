import { ReauthenticationRequiredError } from '../errors.ts';
import type { Scope } from '../scope.ts';

/** The ways to prove who one is, in the order in which they are stored. */
export const authenticationMethods = ['password', 'email'] as const;

/** `email` is a link that was mailed to the user's address. */
export type AuthenticationMethod = (typeof authenticationMethods)[number];

/** What a user proved, and when: what a sign-in is completed with, and what the session keeps. */
export type Proof = { methods: readonly AuthenticationMethod[]; at: Date };

/** Returns methods as a session stores them: their names, separated by spaces. */
export function formatMethods(methods: readonly AuthenticationMethod[]): string {
  return authenticationMethods.filter((method) => methods.includes(method)).join(' ');
}

/** Returns stored methods with one more. */
export function withMethod(stored: string | null, method: AuthenticationMethod): string {
  const known = stored?.split(' ') ?? [];
  return formatMethods(authenticationMethods.filter((one) => one === method || known.includes(one)));
}

/**
 * Requires that the user proved the password in this session a short while ago, for acts that an unlocked device must
 * not be enough for.
 *
 * @throws ReauthenticationRequiredError if the last proof is older than `maxAgeMs`, or there was none.
 */
export function requireRecentPassword({ session, now }: Scope, maxAgeMs: number): void {
  const authenticatedAt = session?.authenticatedAt ?? null;
  const isRecent = authenticatedAt !== null && now.getTime() - authenticatedAt.getTime() <= maxAgeMs;
  if (!isRecent) throw new ReauthenticationRequiredError();
}
