import type { IncomingHttpHeaders } from 'node:http';
import { type FetchAPI, type GraphQLParams, processRegularResult, type YogaServerInstance } from 'graphql-yoga';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Context } from '../graphql/context.ts';
import { bugMessage, type FixedHeaders, foreignSiteMessage, refusalBody } from './answers.ts';
import { isJson, maxBodyBytes } from './body.ts';
import { RequestCaller } from './caller.ts';
import type { Cookies } from './request/cookies.ts';
import { corsHeaders, isFromForeignSite } from './request/cross-site.ts';
import type { HeaderReader } from './request/headers.ts';
import type { ServerContext } from './yoga.ts';

/** A request as Node has it. */
export type NodeRequest = { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders };

/** An answer as Node takes it. */
export type NodeAnswer = { status: number; headers: Record<string, string | string[]>; body: string };

export type FastPath = {
  /** Whether the rest of a request, its body, is worth waiting for here. Decided by what came before it. */
  takes(request: NodeRequest): boolean;
  /** The answer to a request that it takes, or null if the body is nothing for it. Nothing has been done then. */
  answer(request: NodeRequest, body: string, peer: string | null): Promise<NodeAnswer | null>;
};

export type FastPathOptions = {
  yoga: YogaServerInstance<ServerContext, Context>;
  path: string;
  database: Database;
  cookies: Cookies;
  config: Config;
  /** Whether this server answers for a `Host` header. */
  isOurHost: (host: string | undefined) => boolean;
  /** What every answer carries. */
  fixedHeaders: FixedHeaders;
  report: (error: unknown) => void;
  now: () => Date;
};

/**
 * The way of the plain GraphQL request: one operation as JSON in a POST, answered with JSON. What it does without is
 * the `Request` and `Response` of the other way, with their streams, which take longer than everything else together.
 * The operation itself goes through Yoga's own pipeline with all its plugins, and every check of the front door is made
 * by the same functions. Whatever is not plain, or is wrong with a request before it is executed, goes the other way.
 */
export function createFastPath(options: FastPathOptions): FastPath {
  const { yoga, path, database, cookies, config, isOurHost, fixedHeaders, report, now } = options;
  async function execute(params: GraphQLParams, mediaType: string, context: ServerContext): Promise<NodeAnswer> {
    const result = await yoga.getResultForParams({ params, request: postRequest }, context);
    // Without a result there would be nothing to answer; no plugin here does that.
    const { body, init } = processRegularResult(result ?? {}, capture, mediaType) as unknown as CapturedResponse;
    return { status: init.status, headers: init.headers, body };
  }

  return {
    takes({ method, url, headers }) {
      if (method !== 'POST' || url !== path || !isOurHost(headers.host)) return false;
      if (headers['content-encoding'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
      const length = Number(headers['content-length']);
      if (!(length > 0 && length <= maxBodyBytes)) return false;
      return isJson(headers['content-type'] ?? null) && mediaTypeFor(headers.accept) !== null;
    },

    async answer({ headers: nodeHeaders }, body, peer) {
      const headers = new NodeHeaders(nodeHeaders);
      const mediaType = mediaTypeFor(nodeHeaders.accept);
      const params = paramsOf(body);
      if (mediaType === null || params === null) return null;
      const caller = new RequestCaller({ headers, peer, now: now() }, cookies, config);
      let answer: NodeAnswer;
      try {
        answer = isFromForeignSite(headers, config)
          ? refused(403, foreignSiteMessage)
          : await execute(params, mediaType, { caller });
      } catch (error) {
        report(error);
        answer = refused(500, bugMessage);
      }
      await caller.settle(database);
      Object.assign(answer.headers, corsHeaders(headers, config), fixedHeaders);
      if (caller.setCookies.length > 0) answer.headers['set-cookie'] = caller.setCookies;
      answer.headers['content-length'] = String(Buffer.byteLength(answer.body));
      return answer;
    },
  };
}

function refused(status: number, message: string): NodeAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: refusalBody(status, message) };
}

class NodeHeaders implements HeaderReader {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    const value = this.#headers[name];
    // Node has a list for Set-Cookie only, which no request is asked for.
    return typeof value === 'string' ? value : null;
  }
}

/** All that Yoga's pipeline asks of the request: whether a mutation came by GET. */
const postRequest = { method: 'POST' } as Request;

type CapturedResponse = { body: string; init: { status: number; headers: Record<string, string> } };

/** Takes the place of `Response` where Yoga makes one, to have its parts. */
const capture = {
  Response: class {
    body: unknown;
    init: unknown;
    constructor(body: unknown, init: unknown) {
      this.body = body;
      this.init = init;
    }
  },
} as unknown as FetchAPI;

const regularMediaTypes = ['application/json', 'application/graphql-response+json'];

/**
 * The media type of the answer to a request that accepts these, as Yoga would choose it: of those listed, the first
 * that this server has. Null if it has none of them, or might stream.
 */
export function mediaTypeFor(accept: string | undefined): string | null {
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return 'application/json';
  // Yoga ignores more kinds of whitespace than HTTP has, so that it has to choose where there is one.
  if (/[^\t\x20-\x7e]/.test(accept)) return null;
  for (const entry of accept.replace(/[ \t]/g, '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = entry.split(';');
    if (parameters.some((parameter) => parameter.includes('charset='))) return null;
    if (type === '*/*' || type === 'application/*') return 'application/json';
    if (regularMediaTypes.includes(type)) return type;
  }
  return null;
}

/** The parameters of a request whose body holds those of GraphQL over HTTP and nothing else, or null. */
function paramsOf(body: string): GraphQLParams | null {
  let params: unknown;
  try {
    params = JSON.parse(body);
  } catch {
    return null;
  }
  if (!isObject(params)) return null;
  for (const [name, value] of Object.entries(params)) {
    if (!isPlainParameter(name, value)) return null;
  }
  return typeof params.query === 'string' ? params : null;
}

function isPlainParameter(name: string, value: unknown): boolean {
  switch (name) {
    case 'query':
      return typeof value === 'string';
    case 'operationName':
      return typeof value === 'string' || value === null;
    case 'variables':
    case 'extensions':
      return value === null || isObject(value);
    default:
      return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
