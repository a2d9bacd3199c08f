/** The protocol graphql-transport-ws: only subscriptions, with the credentials of requests. */
import {
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  parse,
} from 'graphql';
import { type Context, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import type { GraphQLParams } from 'graphql-yoga';
import type { Database } from '../../database/database.ts';
import { maskError, type Reports } from '../../graphql/errors.ts';
import type { RequestFacts } from '../../log/request-facts.ts';
import { mayFollowEvents, type Scope } from '../../scope.ts';
import type { StreamEnd } from '../../streams/end.ts';
import type { Quotas } from '../../streams/quotas.ts';
import type { Incoming, Outgoing } from '../messages.ts';
import type { HeaderReader } from '../request/headers.ts';
import { identified, type Operations } from '../routes/operations.ts';
import { isStream, type Result, type Results } from '../routes/result.ts';
import { closeCodes } from './close-codes.ts';

/** The maximum number of subscriptions on one connection. */
const maxSubscriptions = 5;

/** Each message of a subscription repeats its id. */
const maxIdLength = 100;

/** A connection, as the protocol sees it. */
export type Connection = {
  /** The handshake. */
  incoming: Incoming;
  close(code: number, reason: string): void;
  /** Is called once, when the connection is authenticated. */
  onAuthenticated(): void;
  /** Runs an operation when it is its turn. Returns false if too many wait. */
  start(run: () => Promise<void>): boolean;
  /** Gives back the place among the connections. */
  giveBack?: () => void;
  /** True once it is closed. */
  isClosed?: boolean;
  /** The number of operations without a result yet. Undefined for none. */
  starting?: number;
};

type SocketContext = Context<Record<string, unknown>, Connection>;

export type ProtocolParts = Reports & {
  database: Database;
  operations: Operations;
  /** The places of authenticated connections. */
  places: Quotas;
  /** Notes the beginning of an operation as that of a request. */
  begin(incoming: Incoming): { facts: RequestFacts; end(outgoing: Outgoing): Outgoing };
};

/** Any document with a subscription: the operation of the client was executed already, with its own. */
const document = parse('subscription { done: __typename }');

export function createProtocol({ database, operations, places, begin, ...reports }: ProtocolParts): Server<Connection> {
  /** Authenticates a connection, so that none without a credential stays open. */
  async function authenticate({ connectionParams, extra }: SocketContext): Promise<void> {
    const caller = operations.callerOf(withParams(extra.incoming, connectionParams));
    try {
      await caller.resume(database, 'none');
      // Nothing would give back its place.
      if (extra.isClosed) return;
      extra.giveBack = places.take(holderOf(caller.scope));
    } catch (error) {
      const { extensions, message } = maskError(error, 'Internal server error.', reports);
      const isRefused = extensions.code === 'SERVICE_KEY_INVALID';
      return extra.close(isRefused ? closeCodes.unauthorized : closeCodes.tryAgainLater, message.slice(0, 100));
    }
    const { session } = caller.scope;
    if (session?.user || mayFollowEvents(caller.scope)) return extra.onAuthenticated();
    return extra.close(closeCodes.unauthorized, 'Unauthorized');
  }

  /** Executes a subscription. Returns its errors, or its results in the form that the library takes. */
  async function subscribe(context: SocketContext, id: string, payload: SubscribePayload) {
    const { extra, connectionParams, subscriptions } = context;
    if (id.length > maxIdLength) {
      extra.close(closeCodes.badRequest, `An id has at most ${maxIdLength} characters.`);
      return [tooMany];
    }
    // A client may complete subscriptions before they begin. They are executed nevertheless.
    const { starting = 0 } = extra;
    if (Math.max(Object.keys(subscriptions).length, starting + 1) > maxSubscriptions) return [tooMany];
    const incoming = withParams(extra.incoming, connectionParams);
    const { promise, resolve } = Promise.withResolvers<Result>();
    const isTaken = extra.start(async () => {
      const { facts, end } = begin(incoming);
      facts.route = 'websocket';
      const receiver = { transport: 'websocket', onEnd: (reason: StreamEnd) => onEnd(context, reason) } as const;
      const parts = { caller: operations.callerOf(incoming), facts, receiver };
      const result = identified(await operations.execute(incoming, paramsOf(payload), parts), facts);
      end({ status: 200, headers: {}, body: null });
      resolve(result);
    });
    if (!isTaken) return [overloaded];
    extra.starting = starting + 1;
    const result = await promise;
    extra.starting -= 1;
    if (isStream(result)) return { schema, document, rootValue: result };
    // Everything but a subscription was refused.
    return [...((Array.isArray(result) ? result[0] : result)?.errors ?? [])];
  }

  return makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: 3_000,
    onConnect: authenticate,
    onSubscribe: subscribe,
    // What `subscribe` above returned.
    subscribe: ({ rootValue }) => rootValue as Results,
    // The fifth argument is the result.
    onNext: (...given) => visible(given[4]),
    onError: (_context, _id, _payload, errors) => errors.map(withoutInternals),
    onClose({ extra }) {
      extra.isClosed = true;
      extra.giveBack?.();
    },
  });
}

/** Closes the connection of a stream that ended, if the client has to know more than the completion tells. */
function onEnd({ extra, subscriptions }: SocketContext, end: StreamEnd): void {
  if (end === 'DRAINED') extra.close(closeCodes.serviceRestart, 'The server stops');
  if (end === 'CREDENTIAL_REPLACED') extra.close(closeCodes.serviceRestart, 'The credential was replaced');
  if (end === 'SLOW_CONSUMER') extra.close(closeCodes.tryAgainLater, 'The messages were read too slowly');
  if (end !== 'SESSION_ENDED') return;
  // All its streams end now. Each has to deliver its last message.
  const since = performance.now();
  const timer = setInterval(() => {
    if (Object.keys(subscriptions).length > 0 && performance.now() - since < lastMessageMs) return;
    clearInterval(timer);
    extra.close(closeCodes.unauthorized, 'The session ended');
  }, 10);
}

/** The maximum time for the last messages of a connection whose session ended. */
const lastMessageMs = 500;

function holderOf({ session, client: { ipAddress } }: Scope) {
  return { sessionId: session?.id ?? null, ipAddress };
}

/** Returns a request with the headers of the handshake, and the credentials of `connection_init` in their place. */
function withParams(incoming: Incoming, params: Readonly<Record<string, unknown>> | undefined): Incoming {
  const given = new Map<string, string>();
  for (const name of ['authorization', 'x-service-key']) {
    const value = params?.[name];
    if (typeof value === 'string') given.set(name, value);
  }
  const headers: HeaderReader = { get: (name) => given.get(name) ?? incoming.headers.get(name) };
  // Of a GET, Yoga would refuse mutations in other words than those for a WebSocket.
  return { ...incoming, method: 'POST', headers };
}

/** The library requires `query`, also beside the id of a trusted document. */
function paramsOf(payload: SubscribePayload): GraphQLParams {
  const { query, ...others } = payload as SubscribePayload & GraphQLParams;
  return query === '' ? others : { ...others, query };
}

type SubscriptionResult = {
  data?: Record<string, unknown> | null | undefined;
  errors?: readonly GraphQLError[] | undefined;
};

function visible({ data = null, errors }: SubscriptionResult): FormattedExecutionResult {
  return { data, ...(errors && { errors: errors.map(withoutInternals) }) };
}

/** Returns an error without the status and the headers that it has for HTTP. */
function withoutInternals(error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError {
  const { extensions, ...others } = error instanceof GraphQLError ? error.toJSON() : error;
  const { http: _, ...visible } = extensions ?? {};
  return { ...others, extensions: visible };
}

const schema = {} as GraphQLSchema;
const tooMany = new GraphQLError(`At most ${maxSubscriptions} subscriptions may be open on a connection.`, {
  extensions: { code: 'TOO_MANY_STREAMS' },
});
const overloaded = new GraphQLError('Too many requests are waiting. Try again later.', {
  extensions: { code: 'SERVER_OVERLOADED' },
});
