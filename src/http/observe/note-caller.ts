import type { RequestFacts } from '../../log/request-facts.ts';
import type { Scope } from '../../scope.ts';

/** Notes the session of a scope, and its user. Without a session, what was noted before stays. */
export function noteCaller(facts: RequestFacts, { session }: Pick<Scope, 'session'>): void {
  if (session === null) return;
  facts.sessionHandle = session.handle;
  facts.userId = session.userId;
}
