import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import { maskError } from '../../graphql/errors.ts';
import { Loaders } from '../../graphql/loaders.ts';
import { useAntiCSRF } from '../../graphql/plugins/anti-csrf.ts';
import { useDocuments } from '../../graphql/plugins/document-cache.ts';
import { useComplexityLimit } from '../../graphql/plugins/limits.ts';
import { schema } from '../../graphql/schema.ts';
import type { AppOptions } from '../front-door.ts';
import type { RequestCaller } from './caller.ts';

/** What is known of a request before its operation is looked at. */
export type ServerContext = { caller: RequestCaller };

/** The schema as Yoga serves it. The session of a request is looked up only once its operation is known to be valid. */
export function createGraphQL(options: AppOptions & { path: string }): YogaServerInstance<ServerContext, Context> {
  const { path, database, replica = database, config, report, plugins = [] } = options;
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: path,
    context: async ({ caller }) => {
      await caller.resume(database);
      return { database, replica, config, caller, loaders: new Loaders(database, caller.scope.now) };
    },
    plugins: [useDocuments(schema), useAntiCSRF, useComplexityLimit(), ...plugins],
    // useDocuments keeps them.
    parserAndValidationCache: false,
    maskedErrors: { maskError: (error, message) => maskError(error, message, report) },
    // What these do is done at the front door, and more strictly.
    cors: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: false,
    logging: false,
  });
}
