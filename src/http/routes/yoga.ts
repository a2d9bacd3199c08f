import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Database } from '../../database/database.ts';
import type { Context, Receiver } from '../../graphql/context.ts';
import { useDocuments } from '../../graphql/documents/document-cache.ts';
import { maskError } from '../../graphql/errors.ts';
import { Loaders } from '../../graphql/loaders.ts';
import { useAntiCSRF } from '../../graphql/plugins/anti-csrf.ts';
import { useHiddenSchema } from '../../graphql/plugins/hidden-schema.ts';
import { useComplexityLimit } from '../../graphql/plugins/limits.ts';
import { useOperationFacts } from '../../graphql/plugins/operation-facts.ts';
import { useSubscriptions } from '../../graphql/plugins/subscriptions.ts';
import { schema as plainSchema, subgraphSchema } from '../../graphql/schema.ts';
import type { RequestFacts } from '../../log/request-facts.ts';
import { useTrustedDocuments } from '../../trusted-documents/plugin.ts';
import type { AppOptions } from '../front-door.ts';
import { noteCaller } from '../observe/note-caller.ts';
import type { RequestCaller } from './caller.ts';
import { exemptionOf } from './exemption.ts';

/** The context of a request before its operation is read. */
export type ServerContext = {
  caller: RequestCaller;
  facts: RequestFacts;
  /** The connection that takes the messages of a subscription. Null for a request with a single answer. */
  receiver: Receiver | null;
  /** Reads the session of the caller, at the first call. */
  resume(): Promise<void>;
};

/** Returns the context of a request whose session is not read yet. */
export function serverContext(database: Database, parts: Omit<ServerContext, 'resume'>): ServerContext {
  let resuming: Promise<void> | null = null;
  return {
    ...parts,
    resume() {
      resuming ??= parts.caller.resume(database);
      return resuming;
    },
  };
}

/**
 * Creates Yoga for the schema. It reads the session of a request only after it has validated the operation, except to
 * ask for an exemption.
 */
export function createGraphQL(options: AppOptions & { path: string }): YogaServerInstance<ServerContext, Context> {
  const {
    path,
    database,
    replica = database,
    config,
    signingKeys = null,
    trustedDocuments = null,
    streams = null,
    plugins = [],
  } = options;
  const isHidden = !config.introspection;
  const schema = config.federation ? subgraphSchema : plainSchema;
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: path,
    context: async ({ caller, facts, receiver, resume }) => {
      await resume();
      noteCaller(facts, caller.scope);
      const loaders = new Loaders(database, caller.scope.now);
      return { database, replica, config, signingKeys, caller, facts, loaders, streams, receiver };
    },
    plugins: [
      useDocuments(schema, { hidesSuggestions: isHidden, isTrusted: trustedDocuments?.isTrusted }),
      useOperationFacts,
      isHidden && useHiddenSchema(),
      useAntiCSRF,
      useComplexityLimit(isHidden),
      useSubscriptions,
      ...plugins,
      // The last one, so that it judges the parameters that other plugins have changed, and what no other one refused.
      useTrustedDocuments(trustedDocuments, exemptionOf(options)),
    ],
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
