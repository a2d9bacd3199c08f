/** Gives every mutation the properties that all mutations share, so that a new one cannot lack them. */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import type { Context } from '../context.ts';
import { mutationCost } from './limits.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      mutationDefaults: MutationDefaultsPlugin<Types>;
    }
  }
}

/**
 * Adds to each mutation:
 *
 * - a cost, which bounds how often aliases can repeat it;
 * - nullability, so that one that fails does not discard the data of its siblings;
 * - the name and the description of its result union, if it has `errors`;
 * - fresh reads of its result, also after another mutation of the same operation.
 *
 * The plugins that read these options are listed before this one, and so run after it.
 */
export class MutationDefaultsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { kind, name, type, pothosOptions } = fieldConfig;
    if (kind !== 'Mutation') return fieldConfig;
    const { complexity = mutationCost, errors } = pothosOptions;
    const union = {
      name: `${name.charAt(0).toUpperCase()}${name.slice(1)}Result`,
      description: `Result of \`${name}\`.`,
    };
    const options = { ...pothosOptions, complexity, ...(errors && { errors: { ...errors, union } }) };
    return { ...fieldConfig, type: { ...type, nullable: true }, pothosOptions: options as typeof pothosOptions };
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { kind }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (kind !== 'Mutation') return resolver;
    return async (parent, args, context, info) => {
      try {
        return await resolver(parent, args, context, info);
      } finally {
        // Pothos does not know that the context of this schema is ours.
        (context as Context).loaders.clear();
      }
    };
  }
}

const pluginName = 'mutationDefaults' as const;

SchemaBuilder.registerPlugin(pluginName, MutationDefaultsPlugin);

export const MutationDefaultsPluginName = pluginName;
