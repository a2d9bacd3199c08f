/** Answers GraphQL over HTTP: from a request to the result of its operation. */
import type { GraphQLParams } from 'graphql-yoga';
import { maskError } from '../../graphql/errors.ts';
import type { RequestFacts } from '../../log/request-facts.ts';
import type { AppOptions } from '../front-door.ts';
import { type Incoming, type Outgoing, Refusal } from '../messages.ts';
import { noteCaller } from '../observe/note-caller.ts';
import { cookiesFor } from '../request/cookies.ts';
import { isFromForeignSite, preflightHeaders } from '../request/cross-site.ts';
import { RequestCaller } from './caller.ts';
import { EventReceiver, toEvents } from './event-stream.ts';
import { acceptsEvents, eventStream, mediaTypeFor } from './media-type.ts';
import { paramsOf } from './params.ts';
import { answerOf, type Result, type Results } from './result.ts';
import type { Route } from './route.ts';
import { createGraphQL, type ServerContext, serverContext } from './yoga.ts';

const foreignSite = 'Pages of this site may not call this server. The operator allows sites with ALLOWED_ORIGINS.';

/**
 * Returns the route of GraphQL. Operations go through Yoga's pipeline with all its plugins, but bypass its HTTP layer:
 * with a `Request`, a `Response` and their streams, that layer takes longer than everything else together.
 */
export function graphqlRoute(path: string, options: AppOptions): Route {
  const { database, config, now = () => new Date(), legacySessions = null } = options;
  const cookies = cookiesFor(config);
  const yoga = createGraphQL({ ...options, path });
  const preflight = preflightHeaders(config);

  /** Returns the result of an operation. An error of a plugin before the operation becomes an error of the request. */
  async function execute(incoming: Incoming, params: GraphQLParams, context: ServerContext) {
    try {
      // A plugin could leave out the result; none here does.
      return (await yoga.getResultForParams({ params, request: toYogaRequest(incoming) }, context)) ?? {};
    } catch (error) {
      return { errors: [maskError(error, 'Unexpected error.', options)] };
    }
  }

  async function answer(incoming: Incoming, facts: RequestFacts): Promise<Outgoing> {
    const { method, headers, peer } = incoming;
    // Also a preflight: the browser tells such a page nothing, so the log and the tools of its developers must.
    if (isFromForeignSite(headers, config)) throw new Refusal(403, foreignSite);
    if (method === 'OPTIONS') return { status: 204, headers: { ...preflight }, body: null };
    if (method !== 'GET' && method !== 'POST') {
      throw new Refusal(405, `${method} is not supported.`, { allow: 'GET, POST, OPTIONS' });
    }
    const params = await paramsOf(incoming);
    const mediaType = mediaTypeFor(headers.get('accept'));
    if (mediaType === null) throw new Refusal(406, 'The answer is JSON. Accept application/graphql-response+json.');
    const caller = new RequestCaller({ headers, peer, now: now() }, cookies, config, legacySessions);
    const receiver = acceptsEvents(headers.get('accept')) ? new EventReceiver() : null;
    const result = await execute(incoming, params, serverContext(database, caller, facts, receiver));
    noteCaller(facts, caller.scope);
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

function isStream(result: Result): result is Results {
  return Symbol.asyncIterator in result;
}

/** Returns the answer of a single result: as JSON, or as events. */
function singleAnswer(result: Result, mediaType: string): Outgoing {
  return mediaType === eventStream ? toEvents(answerOf(result, 'application/json')) : answerOf(result, mediaType);
}

/** Notes the code of a result that failed, and adds the id of the request to it (GraphQL specification, 7.1). */
function identified(result: Result, facts: RequestFacts): Result {
  // None comes in a batch.
  if (Array.isArray(result) || isStream(result)) return result;
  const [first] = result.errors ?? [];
  if (first === undefined) return result;
  facts.code = String(first.extensions?.code ?? 'BAD_USER_INPUT');
  return { ...result, extensions: { ...result.extensions, requestId: facts.id } };
}

/** Returns the properties of a request that Yoga's plugins may read. */
function toYogaRequest({ method, target, headers }: Incoming): Request {
  return { method, url: `http://localhost${target}`, headers } as unknown as Request;
}
