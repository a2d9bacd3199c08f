/** Answers GraphQL over HTTP: from a request to the result of its operation. */
import { type FetchAPI, type GraphQLParams, processRegularResult } from 'graphql-yoga';
import { maskError } from '../../graphql/errors.ts';
import type { RequestFacts } from '../../log/request-facts.ts';
import type { AppOptions } from '../front-door.ts';
import { type Incoming, type Outgoing, Refusal } from '../messages.ts';
import { noteCaller } from '../observe/note-caller.ts';
import { cookiesFor } from '../request/cookies.ts';
import { isFromForeignSite, preflightHeaders } from '../request/cross-site.ts';
import { RequestCaller } from './caller.ts';
import { eventStream, mediaTypeFor } from './media-type.ts';
import { paramsOf } from './params.ts';
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
    const result = identified(await execute(incoming, params, serverContext(database, caller, facts)), facts);
    noteCaller(facts, caller.scope);
    const outgoing =
      mediaType === eventStream ? toEvents(answerOf(result, 'application/json')) : answerOf(result, mediaType);
    await caller.dropStaleCookie(database);
    if (caller.setCookies.length > 0) outgoing.headers['set-cookie'] = caller.setCookies;
    return outgoing;
  }

  return { path, readsBody: true, answer };
}

type Result = Parameters<typeof processRegularResult>[0];

/** Notes the code of a result that failed, and adds the id of the request to it (GraphQL specification, 7.1). */
function identified(result: Result, facts: RequestFacts): Result {
  // No operation of this schema is a stream, and none comes in a batch.
  if (Array.isArray(result) || Symbol.asyncIterator in result) return result;
  const [first] = result.errors ?? [];
  if (first === undefined) return result;
  facts.code = String(first.extensions?.code ?? 'BAD_USER_INPUT');
  return { ...result, extensions: { ...result.extensions, requestId: facts.id } };
}

/** Returns the properties of a request that Yoga's plugins may read. */
function toYogaRequest({ method, target, headers }: Incoming): Request {
  return { method, url: `http://localhost${target}`, headers } as unknown as Request;
}

/** Replaces `Response` where Yoga makes one, and has the form of an answer. */
class PlainResponse implements Outgoing {
  readonly body: string;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(body: string, { status, headers }: { status: number; headers: Record<string, string> }) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }
}

/** The part of the Fetch API with which Yoga makes an answer. It uses no other. */
const plainResponses = { Response: PlainResponse } as unknown as FetchAPI;

/** Returns the answer that Yoga makes of a result. */
function answerOf(result: Result, mediaType: string): Outgoing {
  // It is made by the class above.
  return processRegularResult(result, plainResponses, mediaType) as unknown as Outgoing;
}

/**
 * Returns an answer as GraphQL over Server-Sent Events, in the words of Yoga. A stream would need a timer to keep it
 * open, and a client that leaves early could keep both in memory; every result is complete, so a text is enough.
 */
function toEvents({ status, headers, body }: Outgoing): Outgoing {
  const text = `:\n\nevent: next\ndata: ${body}\n\nevent: complete\ndata:\n\n`;
  return { status, headers: { ...headers, 'Content-Type': eventStream, 'Content-Encoding': 'none' }, body: text };
}
