/** Directives of fields. They are extensions of the fields, which other tools read too, and part of the printed text. */
import {
  astFromValue,
  type FieldDefinitionNode,
  type GraphQLSchema,
  isObjectType,
  parse,
  print,
  printSchema,
  visit,
} from 'graphql';

/** The arguments of a directive, by name. */
type Values = Readonly<Record<string, unknown>>;

/** Returns the directives of a field: their arguments, by name. */
export function directivesOf(field: { extensions?: unknown }): Readonly<Record<string, Values>> {
  const { directives = {} } = (field.extensions ?? {}) as { directives?: Record<string, Values> };
  return directives;
}

/** Returns the extensions of a field with another directive. */
export function withDirective(field: { extensions?: unknown }, name: string, values: Values): Record<string, unknown> {
  return { ...(field.extensions ?? {}), directives: { ...directivesOf(field), [name]: values } };
}

/**
 * Returns the text of a schema with the directives of its fields, which `printSchema` of GraphQL.js leaves out.
 *
 * @param replaced - arguments by the name of their directive, instead of those that the fields have
 */
export function printWithDirectives(schema: GraphQLSchema, replaced: Readonly<Record<string, Values>> = {}): string {
  const text = printSchema(schema);
  const parts: string[] = [];
  let printed = 0;
  const add = (type: string, { name, loc }: FieldDefinitionNode) => {
    const known = schema.getType(type);
    const field = isObjectType(known) ? known.getFields()[name.value] : undefined;
    if (!field || !loc) return;
    const directives = Object.entries(directivesOf(field)).map(([name, values]) => [
      name,
      { ...values, ...replaced[name] },
    ]);
    parts.push(text.slice(printed, loc.end), textOf(schema, Object.fromEntries(directives)));
    printed = loc.end;
  };
  visit(parse(text), {
    ObjectTypeDefinition: ({ name, fields }) => {
      for (const field of fields ?? []) add(name.value, field);
    },
  });
  return parts.join('') + text.slice(printed);
}

function textOf(schema: GraphQLSchema, directives: Readonly<Record<string, Values>>): string {
  const names = Object.keys(directives).sort();
  return names.map((name) => ` @${name}${argumentsOf(schema, name, directives[name] ?? {})}`).join('');
}

function argumentsOf(schema: GraphQLSchema, name: string, values: Values): string {
  const given = (schema.getDirective(name)?.args ?? []).flatMap((argument) => {
    const node = argument.name in values ? astFromValue(values[argument.name], argument.type) : null;
    return node ? [`${argument.name}: ${print(node)}`] : [];
  });
  return given.length === 0 ? '' : `(${given.join(', ')})`;
}
