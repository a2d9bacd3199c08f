import type { Plugin } from 'graphql-yoga';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { readinessOf } from '../database/readiness/readiness.ts';
import { type LogReader, openLogReader } from '../events/log-reader.ts';
import type { Context } from '../graphql/context.ts';
import type { Reports } from '../graphql/errors.ts';
import type { RequestFacts } from '../log/request-facts.ts';
import { WaitingPolls } from '../security-events/waiting-polls.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { Streams } from '../streams/streams.ts';
import type { TrustedDocuments } from '../trusted-documents/trusted-documents.ts';
import { toIncoming, toResponse } from './fetch.ts';
import { type FixedHeaders, headersFor } from './fixed-headers.ts';
import {
  codeOf,
  type Incoming,
  type Observer,
  type Outgoing,
  Refusal,
  type RunRequest,
  refusalBody,
} from './messages.ts';
import { requestObserver } from './observe/observed.ts';
import { refusalOf } from './observe/refusal-of.ts';
import { corsHeaders } from './request/cross-site.ts';
import { hostCheck } from './request/hosts.ts';
import type { LegacySessions } from './request/legacy-sessions.ts';
import { pathOf } from './request/path.ts';
import { hasuraRoute } from './routes/auth/hasura.ts';
import { verifyRoute } from './routes/auth/verify.ts';
import { createGraphiql } from './routes/graphiql/graphiql.ts';
import { graphqlRoute } from './routes/graphql.ts';
import { introspectionRoute } from './routes/oauth/introspection.ts';
import { revocationRoute } from './routes/oauth/revocation.ts';
import { createOperations } from './routes/operations.ts';
import { isProbe, type Probes, probeRoutes } from './routes/probes.ts';
import { routeTable } from './routes/route.ts';
import { pollRoute } from './routes/security-events/poll.ts';
import { introspectionPath, revocationPath } from './routes/well-known/metadata.ts';
import { pollPath } from './routes/well-known/ssf-configuration.ts';
import { wellKnownRoutes } from './routes/well-known/well-known.ts';
import type { ServerContext } from './routes/yoga.ts';
import { createSockets, type Sockets } from './websocket/sockets.ts';

export const graphqlPath = '/graphql';

export type AppOptions = Reports & {
  database: Database;
  /** The database for listings, which may be a moment behind. `database` by default. */
  replica?: Database;
  config: Config;
  /** Returns the current time. The clock of this machine by default. */
  now?: () => Date;
  /** The sessions that another system started and that stay valid here. None by default. */
  legacySessions?: LegacySessions | null;
  /** The keys that sign tokens. Without them, the server signs none. */
  signingKeys?: SigningKeys | null;
  /** The reader of the log of events. A new one by default. */
  logReader?: LogReader;
  /** The documents that clients execute by id. None by default. */
  trustedDocuments?: TrustedDocuments | null;
  /** The live streams. Without them, the server refuses subscriptions. */
  streams?: Streams | null;
  /** Observes every request and its answer once: for metrics, traces and request ids. */
  observe?: Observer;
  /** Runs the steps of each request, for traces. They are simply called by default. */
  run?: RunRequest | undefined;
  /** Plugins of Yoga that run for every operation, once. Those for HTTP (`onRequest`, `onResponse`) are not called. */
  plugins?: Plugin<Context, ServerContext>[];
};

/** The server as functions from a request to its answer. */
export type App = {
  handle(incoming: Incoming): Promise<Outgoing>;
  /** Answers a request that is refused before it begins. */
  refuse(incoming: Incoming, refusal: Refusal): Outgoing;
  /** Does the same as `handle`, for the standard types of the web. */
  fetch(request: Request, peer?: string | null): Promise<Response>;
  /** Returns whether the body of a request is read. The method, the target and the headers decide this. */
  expectsBody(incoming: Incoming): boolean;
  /** Returns whether a request is a health probe, which the server answers even when it is overloaded. */
  isProbe(incoming: Incoming): boolean;
  /** The headers of every answer, but the id of the request. */
  headers: FixedHeaders;
  sockets: Sockets;
  /** The maximum number of streams. Each keeps a connection open. */
  streamsPerNode: number;
  report: AppOptions['report'];
  /**
   * Makes `/ready` answer 503 from now on, so that load balancers send requests to other servers. Ends the waiting polls
   * of receivers of security events.
   */
  drain(): void;
};

const wrongHost = 'This server does not answer for this host. The operator allows hosts: PUBLIC_URL, ALLOWED_HOSTS.';

/** Creates the front door: the steps that every request goes through, and the routes behind them. */
export function createApp(given: AppOptions): App {
  const readiness = readinessOf(given.database);
  const reportUnavailable = (error: unknown) => {
    readiness.noteFailure(error);
    given.reportUnavailable?.(error);
  };
  const options = { ...given, reportUnavailable };
  const { config, report, observe, run, logReader = openLogReader(options.database, report) } = options;
  const fixedHeaders = headersFor(config);
  const isOurHost = hostCheck(config);
  const probes: Probes = probeRoutes(readiness, report);
  const graphiql = config.graphiql ? createGraphiql(graphqlPath, fixedHeaders) : null;
  const waitingPolls = new WaitingPolls(logReader);
  const begin = requestObserver({ proxies: config.trustedProxies, observe, report });
  const operations = createOperations(graphqlPath, options);
  const sockets = createSockets(options, { path: graphqlPath, operations, begin, requireOurHost });
  const routeAt = routeTable([
    graphqlRoute(graphqlPath, options, operations),
    introspectionRoute(introspectionPath, options),
    revocationRoute(revocationPath, options),
    pollRoute(pollPath, options, waitingPolls),
    ...wellKnownRoutes(options, fixedHeaders),
    verifyRoute('/auth/verify', options),
    hasuraRoute('/auth/hasura', options),
  ]);

  function requireOurHost({ headers }: Incoming): void {
    if (!isOurHost(headers.get('host'))) throw new Refusal(421, wrongHost, { connection: 'close' });
  }

  async function route(incoming: Incoming, facts: RequestFacts): Promise<Outgoing> {
    const path = pathOf(incoming.target);
    const probe = probes.at(path);
    if (probe) {
      facts.route = path;
      // Precedes the check of the host: load balancers probe the address of this server. A probe reveals nothing else.
      return finish(incoming, await probe(incoming.target));
    }
    requireOurHost(incoming);
    // The page and its files have their own headers.
    const page = await graphiql?.(incoming, path);
    if (page) {
      facts.route = 'graphiql';
      return page;
    }
    const found = routeAt(path);
    if (!found) throw new Refusal(404, `This path does not exist. GraphQL is at ${graphqlPath}.`);
    facts.route = found.path;
    const outgoing = await found.answer(incoming, facts);
    return found.hasOwnHeaders ? outgoing : finish(incoming, outgoing);
  }

  /** Adds the headers that every answer has. */
  function finish({ headers }: Incoming, outgoing: Outgoing): Outgoing {
    Object.assign(outgoing.headers, corsHeaders(headers, config), fixedHeaders);
    return outgoing;
  }

  function failed(incoming: Incoming, error: unknown, facts: RequestFacts): Outgoing {
    const refusal = refusalOf(error, { report, reportUnavailable });
    facts.code = codeOf(refusal);
    const bodyOf = routeAt(pathOf(incoming.target))?.refusalBody ?? refusalBody;
    const headers = { 'content-type': 'application/json', ...refusal.headers };
    return finish(incoming, { status: refusal.status, headers, body: bodyOf(refusal, facts.id) });
  }

  async function handle(incoming: Incoming): Promise<Outgoing> {
    const { facts, end } = begin(incoming);
    const answering = run ? run(facts, () => route(incoming, facts)) : route(incoming, facts);
    return end(await answering.catch((error) => failed(incoming, error, facts)));
  }

  function refuse(incoming: Incoming, refusal: Refusal): Outgoing {
    const { facts, end } = begin(incoming);
    return end(failed(incoming, refusal, facts));
  }

  return {
    handle,
    refuse,
    fetch: async (request, peer = null) => toResponse(await handle(toIncoming(request, peer))),
    expectsBody: ({ method, target, headers }) =>
      method === 'POST' && routeAt(pathOf(target))?.readsBody === true && isOurHost(headers.get('host')),
    isProbe: ({ target }) => isProbe(target),
    headers: fixedHeaders,
    sockets,
    streamsPerNode: config.streamsPerNode,
    report,
    drain() {
      probes.drain();
      waitingPolls.drain();
    },
  };
}
