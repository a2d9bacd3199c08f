import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

/** A field with arguments that hold text, and an operation that reaches it. */
export type TextField = {
  /** Such as `Mutation.login` or `User.auditEvents`, with the chosen field if an argument is one of several. */
  name: string;
  /** The arguments that hold text. */
  texts: readonly GraphQLArgument[];
  /** The operation, with a variable for each of these arguments. */
  query: string;
  variables: Record<string, unknown>;
};

type Values = {
  /** Returns the value for an argument of text. Null leaves the argument out. */
  textOf(argument: GraphQLArgument): string | null;
};

/** Numbers, booleans and enums hold no text of the client's. */
function isText(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  if (isInputObjectType(named)) return Object.values(named.getFields()).some((field) => isText(field.type));
  return isLeafType(named) && !isEnumType(named) && !['Int', 'Float', 'Boolean'].includes(named.name);
}

/** Returns a value of a type in which every text is this one. Of an input with one of several fields, it has `chosen`. */
function filled(type: GraphQLInputType, text: string, chosen?: string): unknown {
  if (isNonNullType(type)) return filled(type.ofType, text, chosen);
  if (isListType(type)) return [filled(type.ofType, text, chosen)];
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(({ name }) => !type.isOneOf || name === chosen);
    return Object.fromEntries(fields.map((field) => [field.name, filled(field.type, text, chosen)]));
  }
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (type.name === 'JSON') return { [text]: text, key: [text] };
  if (type.name === 'Boolean') return true;
  return ['Int', 'Float'].includes(type.name) ? 1 : text;
}

/** Returns the fields of an input with `@oneOf`, and none for other types. */
function fieldsOfOneOf(type: GraphQLInputType): string[] {
  const named = getNamedType(type);
  return isInputObjectType(named) && named.isOneOf ? Object.keys(named.getFields()) : [];
}

/** Returns the selection of a field, two levels deep: all fields without arguments. */
function selectionOf(type: GraphQLOutputType, depth = 2): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (!isObjectType(named) || depth === 0) return '{ __typename }';
  const plain = Object.values(named.getFields()).filter(({ args }) => args.length === 0);
  const fields = plain.filter(({ type }) => isLeafType(getNamedType(type)) || depth > 1);
  return `{ __typename ${fields.map((field) => `${field.name} ${selectionOf(field.type, depth - 1)}`).join(' ')} }`;
}

/** Returns the shortest paths from a root to each object type by fields that need no arguments. */
function pathsFrom(root: GraphQLObjectType): Map<GraphQLObjectType, string[]> {
  const paths = new Map<GraphQLObjectType, string[]>([[root, []]]);
  for (const [type, path] of paths) {
    for (const field of Object.values(type.getFields())) {
      const next = getNamedType(field.type);
      if (!isObjectType(next) || paths.has(next) || field.args.some(isRequiredArgument)) continue;
      paths.set(next, [...path, field.name]);
    }
  }
  return paths;
}

/** Returns every reachable field of a schema that takes text, with operations made from the schema alone. */
export function* textFields(schema: GraphQLSchema, { textOf }: Values): Generator<TextField> {
  const [query, mutation] = [schema.getQueryType(), schema.getMutationType()];
  if (!query || !mutation) throw new Error('The schema has no roots.');
  const roots: [string, Map<GraphQLObjectType, string[]>][] = [
    ['query', pathsFrom(query)],
    ['mutation', new Map([[mutation, []]])],
  ];
  for (const [operation, paths] of roots) {
    for (const [type, path] of paths) {
      for (const field of Object.values(type.getFields())) {
        const texts = field.args.filter((argument) => isText(argument.type));
        if (texts.length === 0) continue;
        const needed = field.args.filter((argument) => isRequiredArgument(argument) && !texts.includes(argument));
        const given = [...texts.filter((argument) => textOf(argument) !== null), ...needed];
        const choices = field.args.flatMap((argument) => fieldsOfOneOf(argument.type));
        for (const chosen of choices.length > 0 ? choices : [undefined]) {
          yield {
            name: `${type.name}.${field.name}${chosen === undefined ? '' : ` by ${chosen}`}`,
            texts,
            query: operationOf(operation, path, field, given),
            variables: Object.fromEntries(
              given.map((argument) => [argument.name, filled(argument.type, textOf(argument) ?? '', chosen)]),
            ),
          };
        }
      }
    }
  }
}

function operationOf(
  operation: string,
  path: string[],
  field: GraphQLField<unknown, unknown>,
  given: readonly GraphQLArgument[],
): string {
  const declared = given.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  const passed = given.map(({ name }) => `${name}: $${name}`).join(', ');
  const target = `${field.name}${passed && `(${passed})`} ${selectionOf(field.type)}`;
  const nested = path.reduceRight((inner, name) => `${name} { ${inner} }`, target);
  return `${operation} ${declared && `(${declared})`} { ${nested} }`;
}
