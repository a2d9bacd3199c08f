import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { isMigrated } from '../database/ready.ts';
import { bugMessage, type FixedHeaders, foreignSiteMessage, headersFor, refuse, wrongHostMessage } from './answers.ts';
import { AbortedError, isJson, maxBodyBytes, readBody } from './body.ts';
import { RequestCaller } from './caller.ts';
import { createFastPath, type FastPath, type NodeRequest } from './fast-path.ts';
import { createGraphiql } from './graphiql/graphiql.ts';
import { cookiesFor } from './request/cookies.ts';
import { corsHeaders, isFromForeignSite, preflightHeaders } from './request/cross-site.ts';
import { hostCheck } from './request/hosts.ts';
import { createGraphQL, type ServerContext } from './yoga.ts';

export const graphqlPath = '/graphql';

/** Whether the process answers at all. */
const healthPath = '/health';

/** Whether requests should be sent here: the database can be reached and is migrated, and the server is not stopping. */
const readyPath = '/ready';
const readyTimeoutMs = 2_000;

export type AppOptions = {
  database: Database;
  /** Where listings are read from, which may be a moment behind. The database itself if not given. */
  replica?: Database;
  config: Config;
  /** Is given every unexpected error, once. */
  report: (error: unknown) => void;
  /** What time it is. */
  now?: () => Date;
};

export type App = {
  /** The whole server as one function from a request, and the address that it came from, to its answer. */
  fetch(request: Request, peer?: string | null): Promise<Response>;
  /** The same for plain requests as Node has them, with the same answers, in less time. */
  fastPath: FastPath;
  /** Whether a request has a body that is read. Decided by what came before it. */
  expectsBody(request: NodeRequest): boolean;
  /** Whether a request asks how this server is, which it answers however busy it is. */
  isProbe(request: NodeRequest): boolean;
  /** What every answer carries, also where a request does not reach the app. */
  headers: FixedHeaders;
  report: AppOptions['report'];
  /** From now on `/ready` says that this server is not, so that balancers send requests elsewhere. */
  drain(): void;
};

export function createApp(options: AppOptions): App {
  const { database, replica = database, config, report, now = () => new Date() } = options;
  const cookies = cookiesFor(config.publicUrl);
  const fixedHeaders = headersFor(config);
  const isOurHost = hostCheck(config);
  const graphiql = config.graphiql ? createGraphiql(graphqlPath, fixedHeaders) : null;
  const yoga = createGraphQL({ path: graphqlPath, database, replica, config, report });
  let isDraining = false;

  async function answer(request: Request, context: ServerContext): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === healthPath) return new Response('ok\n');
    if (url.pathname === readyPath) return answerReady();
    // Balancers probe the two above by the address of this server, and learn nothing else from them.
    if (!isOurHost(hostOf(request))) return refuse(421, wrongHostMessage, { connection: 'close' });
    if (url.pathname !== graphqlPath) return refuse(404, `There is nothing here. GraphQL is at ${graphqlPath}.`);
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: preflightHeaders });
    if (request.method !== 'GET' && request.method !== 'POST') {
      return refuse(405, `${request.method} is not supported.`, { allow: 'GET, POST, OPTIONS' });
    }
    if (isFromForeignSite(request.headers, config)) return refuse(403, foreignSiteMessage);
    if (request.method === 'GET') {
      const problem = queryStringProblem(url.searchParams);
      return problem === null ? yoga.fetch(request, context) : refuse(400, problem);
    }
    return answerPost(request, context);
  }

  async function answerReady(): Promise<Response> {
    const isReady = !isDraining && (await isMigrated(database, readyTimeoutMs));
    return new Response(isReady ? 'ready\n' : 'not ready\n', { status: isReady ? 200 : 503 });
  }

  async function answerPost(request: Request, context: ServerContext): Promise<Response> {
    if (!isJson(request.headers.get('content-type'))) {
      return refuse(415, 'The body must be JSON in UTF-8, sent as Content-Type: application/json.');
    }
    if ((request.headers.get('content-encoding') ?? 'identity') !== 'identity') {
      return refuse(415, 'The body must not be compressed.');
    }
    const body = await readBody(request);
    if (body === null) return refuse(413, `The body is larger than ${maxBodyBytes} bytes.`, { connection: 'close' });
    if (!isJsonObject(body))
      return refuse(400, 'The body must be a JSON object: { "query": "…", "variables": { … } }.');
    const headers = new Headers(request.headers);
    headers.set('content-type', 'application/json');
    headers.delete('content-length');
    return yoga.fetch(new Request(request.url, { method: 'POST', headers, body }), context);
  }

  return {
    async fetch(request, peer = null) {
      const caller = new RequestCaller({ headers: request.headers, peer, now: now() }, cookies, config);
      let response: Response;
      try {
        // These answers have headers of their own.
        const page = isOurHost(hostOf(request)) ? await graphiql?.(request) : null;
        if (page) return page;
        response = await answer(request, { caller });
      } catch (error) {
        if (!(error instanceof AbortedError)) report(error);
        response = error instanceof AbortedError ? refuse(400, error.message) : refuse(500, bugMessage);
      }
      await caller.settle(database);
      const headers = { ...corsHeaders(request.headers, config), ...fixedHeaders };
      for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
      for (const value of caller.setCookies) response.headers.append('set-cookie', value);
      return response;
    },
    fastPath: createFastPath({
      yoga,
      path: graphqlPath,
      database,
      cookies,
      config,
      isOurHost,
      fixedHeaders,
      report,
      now,
    }),
    expectsBody: ({ method, url, headers }) =>
      method === 'POST' && pathOf(url) === graphqlPath && isOurHost(headers.host),
    isProbe: ({ url }) => [healthPath, readyPath].includes(pathOf(url)),
    headers: fixedHeaders,
    report,
    drain() {
      isDraining = true;
    },
  };
}

/** The path of a request target, as it is understood everywhere else. */
function pathOf(target = ''): string {
  return target === graphqlPath ? target : new URL(`http://localhost${target}`).pathname;
}

/** A request that was made in this process may have a URL only. */
function hostOf(request: Request): string {
  return request.headers.get('host') ?? new URL(request.url).host;
}

/** What is wrong with the parameters of a GET, which hold JSON of their own, or null. */
function queryStringProblem(parameters: URLSearchParams): string | null {
  for (const name of ['variables', 'extensions']) {
    const text = parameters.get(name);
    if (text && !isJsonObject(text)) return `The parameter ${name} must be a JSON object.`;
  }
  return null;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
