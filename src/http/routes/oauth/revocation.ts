/** Token revocation (RFC 7009): ends the session of a token. */
import { actingAs, commandScope } from '../../../scope.ts';
import { resumeSession } from '../../../sessions/resume.ts';
import { endSession } from '../../../sessions/revoke.ts';
import type { AppOptions } from '../../front-door.ts';
import { type Incoming, type Outgoing, Refusal } from '../../messages.ts';
import { clientInfo } from '../../request/scope.ts';
import type { Route } from '../route.ts';
import { oauthRefusalBody } from './errors.ts';
import { readForm, requireToken } from './form.ts';

const replaced = 'This token was replaced a moment ago. Send the new one.';

/**
 * Returns the route of revocation. The owner of a token may end its session without any other credential, like a finder
 * of a leaked token. A token that opens no session gets the same answer.
 */
export function revocationRoute(path: string, options: AppOptions): Route {
  const { database, config, now: clock = () => new Date(), legacySessions = null } = options;

  async function answer(incoming: Incoming): Promise<Outgoing> {
    const token = requireToken(await readForm(incoming));
    const scope = { ...commandScope(clock()), client: clientInfo(incoming, config) };
    const { sessions, secondFactor } = config;
    const policies = { sessions, secondFactor, legacyTokens: legacySessions, use: 'none' } as const;
    const resumed = await resumeSession(database, scope, token, policies);
    if (resumed.session) {
      const { id, user } = resumed.session;
      await endSession(database, user ? actingAs(scope, user) : scope, id, 'LOGOUT');
    } else if (resumed.isJustReplaced) throw new Refusal(503, replaced, { 'retry-after': '1' });
    return { status: 200, headers: {}, body: '' };
  }

  return { path, readsBody: true, answer, refusalBody: oauthRefusalBody };
}
