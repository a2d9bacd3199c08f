import { ReauthenticationRequiredError } from '../errors.ts';
import type { Session } from './session.ts';

/**
 * For acts that a device which was left unlocked must not be enough for.
 *
 * @throws ReauthenticationRequiredError if the user last proved the password longer ago than that, or never.
 */
export function requireRecentPassword(session: Session, maxAgeMs: number, now: Date): void {
  const { authenticatedAt } = session;
  const isRecent = authenticatedAt !== null && now.getTime() - authenticatedAt.getTime() <= maxAgeMs;
  if (!isRecent) throw new ReauthenticationRequiredError();
}
