/**
 * Marks fields that are null only next to an error, with the directive `@semanticNonNull` of
 * https://gaps.graphql.org/GAP-49/draft/. They are nullable because one that fails must not discard its siblings. A
 * client that handles errors before it reads the data can treat them as non-null.
 */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import {
  DirectiveLocation,
  type FieldDefinitionNode,
  GraphQLDirective,
  type GraphQLFieldResolver,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLSchema,
  isObjectType,
  parse,
  printSchema,
  visit,
} from 'graphql';

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

/** The directives of a field, by name. Other tools read the same extension. */
function directivesOf(field: { extensions?: unknown }): object {
  return (field.extensions as { directives?: object } | null | undefined)?.directives ?? {};
}

/** Returns whether a field is null only next to an error. */
export function isSemanticNonNull(field: { extensions?: unknown }): boolean {
  return name in directivesOf(field);
}

/** Adds the directive to all mutations, and to the fields with the option. A null without an error is a bug there. */
export class SemanticNonNullPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { kind, type, pothosOptions, extensions } = fieldConfig;
    if (!type.nullable || !(pothosOptions.semanticNonNull ?? kind === 'Mutation')) return fieldConfig;
    const directives = { ...directivesOf(fieldConfig), [name]: {} };
    return { ...fieldConfig, extensions: { ...extensions, directives } };
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

/** Returns the text of a schema with the directives of its fields, which `printSchema` of GraphQL.js leaves out. */
export function printWithDirectives(schema: GraphQLSchema): string {
  const text = printSchema(schema);
  const ends: number[] = [];
  const note = (type: string, { name, loc }: FieldDefinitionNode) => {
    const known = schema.getType(type);
    const field = isObjectType(known) ? known.getFields()[name.value] : undefined;
    if (field && loc && isSemanticNonNull(field)) ends.push(loc.end);
  };
  visit(parse(text), {
    ObjectTypeDefinition: ({ name, fields }) => {
      for (const field of fields ?? []) note(name.value, field);
    },
  });
  return [0, ...ends].map((start, index) => text.slice(start, ends[index])).join(` @${name}`);
}

SchemaBuilder.registerPlugin(name, SemanticNonNullPlugin);

export const SemanticNonNullPluginName = name;
