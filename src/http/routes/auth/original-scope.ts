/** The caller of a request that a proxy or gateway asks about. */
import { RequestError } from '../../../errors.ts';
import type { RequestFacts } from '../../../log/request-facts.ts';
import type { Scope } from '../../../scope.ts';
import type { AppOptions } from '../../front-door.ts';
import { Refusal } from '../../messages.ts';
import { noteCaller } from '../../observe/note-caller.ts';
import { plainAddress } from '../../request/client-address.ts';
import { cookiesFor } from '../../request/cookies.ts';
import { isFromForeignSite } from '../../request/cross-site.ts';
import { sessionUseOf } from '../../request/session-use.ts';
import { RequestCaller } from '../caller.ts';
import { mayChangeSomething, type OriginalRequest } from './original-request.ts';

const forged =
  'A page of another site sent this request with the cookie of the user (CSRF). The operator allows origins with ' +
  'ALLOWED_ORIGINS.';

/**
 * Returns a function that returns the scope of an original request, with its live session, and records the use.
 *
 * It throws a Refusal if a page of another site sends an unsafe request with the cookie of a session: an application
 * behind a proxy may know nothing of request forgery, and every one trusts this answer.
 */
export function originalScope({ database, config, now = () => new Date(), legacySessions = null }: AppOptions) {
  const cookies = cookiesFor(config);
  return async (original: OriginalRequest, peer: string | null, facts: RequestFacts): Promise<Scope> => {
    const { headers } = original;
    const caller = new RequestCaller({ headers, peer, now: now() }, cookies, config, legacySessions);
    // Without a trusted proxy, the only known address is that of the proxy itself.
    const isAddressKnown = caller.scope.client.ipAddress !== (peer && plainAddress(peer));
    await caller
      .resume(database, (session) => (isAddressKnown ? sessionUseOf(headers, caller.scope, session) : 'backend'))
      .catch(asRefusal);
    const { scope } = caller;
    noteCaller(facts, scope);
    if (
      scope.presentedToken?.transport === 'COOKIE' &&
      mayChangeSomething(original) &&
      isFromForeignSite(headers, config)
    ) {
      throw new Refusal(403, forged);
    }
    return scope;
  };
}

/** A token that was replaced a moment ago allows no verdict. */
function asRefusal(error: unknown): never {
  if (error instanceof RequestError && error.code === 'SESSION_TOKEN_REPLACED') {
    throw new Refusal(503, error.message, { 'retry-after': '1' }, error.code);
  }
  throw error;
}
