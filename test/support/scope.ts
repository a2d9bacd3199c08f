import { commandScope, requireUser, type UserScope } from '../../src/scope.ts';
import type { SessionWithUser } from '../../src/sessions/session.ts';

/** Returns the scope of a request with the token of this session of a user. */
export function userScope(session: SessionWithUser, now: Date): UserScope {
  const presentedToken = { hashedToken: session.hashedSessionToken ?? '', transport: 'BEARER' } as const;
  return requireUser({ ...commandScope(now), session, presentedToken, actorId: session.userId });
}
