/** Answers GraphQL over HTTP: from a request to the result of its operation. */
import type { RequestFacts } from '../../log/request-facts.ts';
import type { AppOptions } from '../front-door.ts';
import { type Incoming, type Outgoing, Refusal } from '../messages.ts';
import { foreignSite, isFromForeignSite, preflightHeaders } from '../request/cross-site.ts';
import { EventReceiver, toEvents } from './event-stream.ts';
import { acceptsEvents, eventStream, mediaTypeFor } from './media-type.ts';
import { identified, type Operations } from './operations.ts';
import { paramsOf } from './params.ts';
import { answerOf, isStream, type Result } from './result.ts';
import type { Route } from './route.ts';

/** Returns the route of GraphQL. */
export function graphqlRoute(path: string, { database, config }: AppOptions, operations: Operations): Route {
  const preflight = preflightHeaders(config);

  async function answer(incoming: Incoming, facts: RequestFacts): Promise<Outgoing> {
    const { method, headers } = incoming;
    // Also a preflight: the browser tells such a page nothing, so the log and the tools of its developers must.
    if (isFromForeignSite(headers, config)) throw new Refusal(403, foreignSite);
    if (method === 'OPTIONS') return { status: 204, headers: { ...preflight }, body: null };
    if (method !== 'GET' && method !== 'POST') {
      throw new Refusal(405, `${method} is not supported.`, { allow: 'GET, POST, OPTIONS' });
    }
    const params = await paramsOf(incoming);
    const mediaType = mediaTypeFor(headers.get('accept'));
    if (mediaType === null) throw new Refusal(406, 'The answer is JSON. Accept application/graphql-response+json.');
    const caller = operations.callerOf(incoming);
    const receiver = acceptsEvents(headers.get('accept')) ? new EventReceiver() : null;
    const result = await operations.execute(incoming, params, { caller, facts, receiver });
    const outgoing =
      receiver !== null && isStream(result)
        ? receiver.answer(result)
        : singleAnswer(identified(result, facts), mediaType);
    await caller.dropStaleCookie(database);
    if (caller.setCookies.length > 0) outgoing.headers['set-cookie'] = caller.setCookies;
    return outgoing;
  }

  return { path, readsBody: true, answer };
}

/** Returns the answer of a single result: as JSON, or as events. */
function singleAnswer(result: Result, mediaType: string): Outgoing {
  return mediaType === eventStream ? toEvents(answerOf(result, 'application/json')) : answerOf(result, mediaType);
}
