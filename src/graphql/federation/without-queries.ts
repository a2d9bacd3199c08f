import { GraphQLObjectType, GraphQLSchema } from 'graphql';

/** The queries for gateways. */
export const gatewayQueries = ['_entities', '_service'];

/**
 * Returns the schema without some fields of the type Query, and without the types of Federation, whose names begin with
 * an underscore.
 */
export function withoutQueries(schema: GraphQLSchema, names: readonly string[]): GraphQLSchema {
  const { query, types, ...config } = schema.toConfig();
  if (!query) return schema;
  const { fields, ...queryConfig } = query.toConfig();
  const kept = Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
  return new GraphQLSchema({
    ...config,
    query: new GraphQLObjectType({ ...queryConfig, fields: kept }),
    types: types.filter((type) => type !== query && !type.name.startsWith('_')),
  });
}
