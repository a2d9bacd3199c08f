import type { Scope } from '../../scope.ts';
import { isSameClient } from '../../sessions/client-name.ts';
import type { SessionUse } from '../../sessions/resume.ts';
import type { Session } from '../../sessions/session.ts';
import type { HeaderReader } from './headers.ts';

/**
 * Returns whether a request comes from the client of its session, or from the backend of an application that passes on
 * the session token. Services, which have a key, are backends. Other requests are of the client if a browser sent them,
 * or a program with the user agent of the session.
 *
 * Only browsers send `Sec-Fetch-Site`. `Sec-Fetch-Mode` tells nothing: `fetch` of Node.js sends it too.
 */
export function sessionUseOf(headers: HeaderReader, { client, service }: Scope, { userAgent }: Session): SessionUse {
  if (service !== null) return 'backend';
  const isBrowser = headers.get('sec-fetch-site') !== null;
  return isBrowser || isSameClient(client.userAgent, userAgent) ? 'client' : 'backend';
}
