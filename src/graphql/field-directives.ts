/** Prints schemas with the directives of their fields. */
import { type FieldDefinitionNode, type GraphQLSchema, isObjectType, parse, printSchema, visit } from 'graphql';
import { isSemanticNonNull, semanticNonNull } from './plugins/semantic-non-null.ts';

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
  return [0, ...ends].map((start, index) => text.slice(start, ends[index])).join(` @${semanticNonNull.name}`);
}
