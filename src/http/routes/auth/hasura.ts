/** The authentication webhook of Hasura. */
import { toNodeId } from '../../../graphql/node-id.ts';
import { isObject, parseObject } from '../../../json.ts';
import type { RequestFacts } from '../../../log/request-facts.ts';
import type { SessionWithUser } from '../../../sessions/session.ts';
import { requireText } from '../../body.ts';
import type { AppOptions } from '../../front-door.ts';
import { type Incoming, type Outgoing, Refusal } from '../../messages.ts';
import type { HeaderReader } from '../../request/headers.ts';
import { queryOf } from '../../request/path.ts';
import type { Route } from '../route.ts';
import { type OriginalRequest, readOriginalRequest } from './original-request.ts';
import { originalScope } from './original-scope.ts';
import { unauthenticated } from './signed-out.ts';

/**
 * Returns the route of the webhook, which Hasura calls by GET with the headers of the client, or by POST with the
 * headers in a JSON body. Every request is treated as one that may change something, because Hasura does not tell.
 * Hasura closes WebSockets at the time of `Expires`.
 */
export function hasuraRoute(path: string, options: AppOptions): Route {
  const scopeOf = originalScope(options);

  async function answer(incoming: Incoming, facts: RequestFacts): Promise<Outgoing> {
    const anonymousRole = readAnonymousRole(incoming);
    const { session } = await scopeOf(await readRequest(incoming), incoming.peer, facts).catch(deniedForged);
    if (session?.user) return variables(identityOf(session));
    if (anonymousRole === null) throw unauthenticated();
    return variables({ 'X-Hasura-Role': anonymousRole, ...(session && expiryOf(session)) });
  }

  return { path, readsBody: true, answer };
}

function variables(values: Record<string, string>): Outgoing {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(values) };
}

function identityOf(session: SessionWithUser): Record<string, string> {
  const { user } = session;
  return {
    ...(user && { 'X-Hasura-User-Id': toNodeId('User', user.id), 'X-Hasura-Role': user.role }),
    ...expiryOf(session),
  };
}

function expiryOf({ handle, expiresAt }: SessionWithUser): Record<string, string> {
  return { 'X-Hasura-Session-Id': handle, Expires: expiresAt.toUTCString() };
}

/** Hasura denies a request only for 401. It reports every other status as a failure of the webhook. */
function deniedForged(error: unknown): never {
  if (error instanceof Refusal && error.status === 403) throw unauthenticated(error.message);
  throw error;
}

/** Reads the role for requests without a user from `?anonymous=`. Null refuses such requests. @throws Refusal */
function readAnonymousRole({ target }: Incoming): string | null {
  const role = queryOf(target).get('anonymous');
  if (role === null || /^[\w.:-]{1,50}$/.test(role)) return role;
  throw new Refusal(400, 'The parameter anonymous must be a role: 1 to 50 characters from a-z, A-Z, 0-9 and _.:-');
}

/** @throws Refusal */
async function readRequest(incoming: Incoming): Promise<OriginalRequest> {
  const { method } = incoming;
  if (method === 'GET') return { ...readOriginalRequest(incoming), method: 'POST' };
  if (method !== 'POST') throw new Refusal(405, `${method} is not supported.`, { allow: 'GET, POST' });
  const text = await requireText(incoming);
  const headers = parseObject(text)?.headers;
  if (!isObject(headers))
    throw new Refusal(400, 'The body must be JSON with the headers of the client: {"headers":{…}}.');
  return readOriginalRequest({ ...incoming, headers: toReader(headers) });
}

/** Returns the headers of the client. Their names have any case, and values that are no texts do not count. */
function toReader(headers: Record<string, unknown>): HeaderReader {
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    get(name) {
      const value = byName.get(name);
      return typeof value === 'string' ? value : null;
    },
  };
}
