/** Notes the refusals of mutations, which the errors plugin turns into data. */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { UserError } from '../../errors.ts';
import type { Context } from '../context.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      refusalFacts: RefusalFactsPlugin<Types>;
    }
  }
}

/** The errors plugin is listed before this one, and so sees the errors after it. */
export class RefusalFactsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { kind }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (kind !== 'Mutation') return resolver;
    return async (parent, args, context, info) => {
      try {
        return await resolver(parent, args, context, info);
      } catch (error) {
        // Pothos does not know that the context of this schema is ours.
        const { facts } = context as Context;
        if (error instanceof UserError) facts.code ??= error.code;
        throw error;
      }
    };
  }
}

const pluginName = 'refusalFacts' as const;

SchemaBuilder.registerPlugin(pluginName, RefusalFactsPlugin);

export const RefusalFactsPluginName = pluginName;
