/** Executes operations of GraphQL, of every transport. */
import type { GraphQLParams } from 'graphql-yoga';
import { maskError } from '../../graphql/errors.ts';
import type { RequestFacts } from '../../log/request-facts.ts';
import type { AppOptions } from '../front-door.ts';
import type { Incoming } from '../messages.ts';
import { noteCaller } from '../observe/note-caller.ts';
import { cookiesFor } from '../request/cookies.ts';
import { RequestCaller } from './caller.ts';
import { isStream, type Result } from './result.ts';
import { createGraphQL, type ServerContext, serverContext } from './yoga.ts';

export type Operations = {
  /** Returns the caller of a request. Its session is not read yet. */
  callerOf(incoming: Pick<Incoming, 'headers' | 'peer'>): RequestCaller;
  /** Returns the result of an operation. It never rejects: every error is part of the result. */
  execute(incoming: Incoming, params: GraphQLParams, parts: Omit<ServerContext, 'resume'>): Promise<Result>;
};

/**
 * Returns the function that executes operations. They go through Yoga's pipeline with all its plugins, but bypass its
 * HTTP layer: with a `Request`, a `Response` and their streams, that layer takes longer than everything else together.
 */
export function createOperations(path: string, options: AppOptions): Operations {
  const { database, config, now = () => new Date(), legacySessions = null } = options;
  const cookies = cookiesFor(config);
  const yoga = createGraphQL({ ...options, path });

  /** Returns the result of an operation. An error of a plugin before the operation becomes an error of the request. */
  async function run(incoming: Incoming, params: GraphQLParams, context: ServerContext): Promise<Result> {
    try {
      // A plugin could leave out the result; none here does.
      return (await yoga.getResultForParams({ params, request: toYogaRequest(incoming) }, context)) ?? {};
    } catch (error) {
      return { errors: [maskError(error, 'Unexpected error.', options)] };
    }
  }

  return {
    callerOf: ({ headers, peer }) => new RequestCaller({ headers, peer, now: now() }, cookies, config, legacySessions),
    async execute(incoming, params, { caller, facts, receiver }) {
      const result = await run(incoming, params, serverContext(database, { caller, facts, receiver }));
      noteCaller(facts, caller.scope);
      return result;
    },
  };
}

/** Notes the code of a result that failed, and adds the id of the request to it (GraphQL specification, 7.1). */
export function identified(result: Result, facts: RequestFacts): Result {
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
