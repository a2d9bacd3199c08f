import { ReauthenticationRequiredError } from '../errors.ts';
import type { Scope } from '../scope.ts';

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
