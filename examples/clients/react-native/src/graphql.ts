/** The typed tag: TypeScript infers the result and the variables of each document from the schema. */
import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './generated/graphql-env.d.ts';

export const graphql = initGraphQLTada<{
  introspection: introspection;
  /** The types of the custom scalars in JSON. Without them, they are `unknown`. */
  scalars: { DateTime: string; JSON: unknown };
}>();
