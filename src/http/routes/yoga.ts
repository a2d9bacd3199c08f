import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import { maskError } from '../../graphql/errors.ts';
import { Loaders } from '../../graphql/loaders.ts';
import { useAntiCSRF } from '../../graphql/plugins/anti-csrf.ts';
import { useDocuments } from '../../graphql/plugins/document-cache.ts';
import { useComplexityLimit } from '../../graphql/plugins/limits.ts';
import { useOperationFacts } from '../../graphql/plugins/operation-facts.ts';
import { schema as plainSchema, subgraphSchema } from '../../graphql/schema.ts';
import type { RequestFacts } from '../../log/request-facts.ts';
import type { AppOptions } from '../front-door.ts';
import { noteCaller } from '../observe/note-caller.ts';
import type { RequestCaller } from './caller.ts';

/** The context of a request before its operation is read. */
export type ServerContext = { caller: RequestCaller; facts: RequestFacts };

/** Creates Yoga for the schema. It reads the session of a request only after it has validated the operation. */
export function createGraphQL(options: AppOptions & { path: string }): YogaServerInstance<ServerContext, Context> {
  const { path, database, replica = database, config, signingKeys = null, plugins = [] } = options;
  const schema = config.federation ? subgraphSchema : plainSchema;
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: path,
    context: async ({ caller, facts }) => {
      await caller.resume(database);
      noteCaller(facts, caller.scope);
      const loaders = new Loaders(database, caller.scope.now);
      return { database, replica, config, signingKeys, caller, facts, loaders };
    },
    plugins: [useDocuments(schema), useOperationFacts, useAntiCSRF, useComplexityLimit(), ...plugins],
    // useDocuments caches parsed and validated documents.
    parserAndValidationCache: false,
    maskedErrors: { maskError: (error, message) => maskError(error, message, options) },
    // The front door does the work of these, and more strictly.
    cors: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: false,
    logging: false,
  });
}
