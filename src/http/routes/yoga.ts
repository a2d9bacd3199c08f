import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Context } from '../graphql/context.ts';
import { maskError } from '../graphql/errors.ts';
import { Loaders } from '../graphql/loaders.ts';
import { useAntiCSRF } from '../graphql/plugins/anti-csrf.ts';
import { useDocuments } from '../graphql/plugins/document-cache.ts';
import { useComplexityLimit } from '../graphql/plugins/limits.ts';
import { schema } from '../graphql/schema.ts';
import type { RequestCaller } from './caller.ts';

/** What is known of a request before its operation is looked at. */
export type ServerContext = { caller: RequestCaller };

export type YogaOptions = {
  path: string;
  database: Database;
  replica: Database;
  config: Config;
  report: (error: unknown) => void;
};

/** The schema as Yoga serves it. The session of a request is looked up only once its operation is known to be valid. */
export function createGraphQL(options: YogaOptions): YogaServerInstance<ServerContext, Context> {
  const { path, database, replica, config, report } = options;
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: path,
    context: async ({ caller }) => {
      await caller.resume(database);
      return { database, replica, config, caller, loaders: new Loaders(database, caller.scope.now) };
    },
    plugins: [useDocuments(schema), useAntiCSRF, useComplexityLimit()],
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
