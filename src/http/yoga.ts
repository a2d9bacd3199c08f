import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Context, RequestFacts } from '../graphql/context.ts';
import { maskError } from '../graphql/errors.ts';
import { Loaders } from '../graphql/loaders.ts';
import { useAntiCSRF } from '../graphql/plugins/anti-csrf.ts';
import { useDocuments } from '../graphql/plugins/document-cache.ts';
import { useComplexityLimit } from '../graphql/plugins/limits.ts';
import { schema } from '../graphql/schema.ts';
import type { RequestCaller } from './caller.ts';

/** What is known of a request before its operation is looked at. */
export type ServerContext = { caller: RequestCaller; facts: RequestFacts };

export type YogaOptions = {
  path: string;
  database: Database;
  replica: Database;
  config: Config;
  report: (error: unknown) => void;
  now: () => Date;
};

/** The schema as Yoga serves it. The session of a request is looked up only once its operation is known to be valid. */
export function createGraphQL(options: YogaOptions): YogaServerInstance<ServerContext, Context> {
  const { path, database, replica, config, report, now } = options;
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: path,
    context: async ({ caller, facts }) => {
      await caller.resume(database, { device: facts.device, policy: config.sessions, now: now() });
      return { database, replica, config, caller, request: facts, loaders: new Loaders(database, now), now };
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
