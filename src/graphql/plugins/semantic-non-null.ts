/**
 * Marks fields that are null only next to an error, with the directive `@semanticNonNull` of
 * https://gaps.graphql.org/GAP-49/draft/. They are nullable because one that fails must not discard its siblings. A
 * client that handles errors before it reads the data can treat them as non-null.
 */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import {
  DirectiveLocation,
  GraphQLDirective,
  type GraphQLFieldResolver,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
} from 'graphql';
import { directivesOf, withDirective } from '../field-directives.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      semanticNonNull: SemanticNonNullPlugin<Types>;
    }

    export interface FieldOptions {
      /** True if the field, which is nullable, is null only next to an error. By default, true for mutations only. */
      semanticNonNull?: boolean;
    }
  }
}

const name = 'semanticNonNull' as const;

export const semanticNonNull = new GraphQLDirective({
  name,
  description:
    'The field is null only if `errors` has an entry for it. Clients that handle errors before they read data, such ' +
    'as Relay with `@throwOnFieldError`, can treat it as non-null: see https://gaps.graphql.org/GAP-49/draft/.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: {
    levels: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLInt))),
      defaultValue: [0],
      description: 'The depths of lists that this is true for. 0 is the field itself.',
    },
  },
});

/** Returns whether a field is null only next to an error. */
export function isSemanticNonNull(field: { extensions?: unknown }): boolean {
  return name in directivesOf(field);
}

/** Adds the directive to all mutations, and to the fields with the option. A null without an error is a bug there. */
export class SemanticNonNullPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { kind, type, pothosOptions } = fieldConfig;
    if (!type.nullable || !(pothosOptions.semanticNonNull ?? kind === 'Mutation')) return fieldConfig;
    return { ...fieldConfig, extensions: withDirective(fieldConfig, name, {}) };
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (!isSemanticNonNull(fieldConfig)) return resolver;
    return async (parent, args, context, info) => {
      const value = await resolver(parent, args, context, info);
      if (value == null) throw new Error(`${fieldConfig.parentType}.${fieldConfig.name} is null without an error.`);
      return value;
    };
  }
}

SchemaBuilder.registerPlugin(name, SemanticNonNullPlugin);

export const SemanticNonNullPluginName = name;
