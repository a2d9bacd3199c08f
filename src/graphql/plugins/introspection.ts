/** What introspection of a schema costs, so that an operation cannot ask for it a hundred times by aliases. */
import { type GraphQLSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isUnionType } from 'graphql';

export type ListLengths = {
  /** How many objects a field of introspection gives on average, by its name: one if it is not here. */
  lists: Readonly<Record<string, number>>;
  /** How many average types have as many fields as the one with the most. */
  largestType: number;
};

/** Counts what the fields of introspection give. A list is never taken for shorter than one. */
export function listLengthsOf(schema: GraphQLSchema): ListLengths {
  const types = Object.values(schema.getTypeMap());
  const composite = types.filter((type) => isObjectType(type) || isInterfaceType(type));
  const fields = composite.flatMap((type) => Object.values(type.getFields()));
  const inputFields = types.filter(isInputObjectType).flatMap((type) => Object.values(type.getFields()));
  const possible = types.flatMap((type) =>
    isUnionType(type) || isInterfaceType(type) ? schema.getPossibleTypes(type) : [],
  );
  const perType = (count: number) => Math.max(1, count / types.length);
  const most = Math.max(...composite.map((type) => Object.keys(type.getFields()).length));
  return {
    lists: {
      types: types.length,
      directives: schema.getDirectives().length,
      fields: perType(fields.length),
      args: Math.max(1, fields.flatMap(({ args }) => args).length / fields.length),
      inputFields: perType(inputFields.length),
      interfaces: perType(composite.flatMap((type) => type.getInterfaces()).length),
      possibleTypes: perType(possible.length),
      enumValues: perType(types.filter(isEnumType).flatMap((type) => type.getValues()).length),
      // Half of the types that are asked for it are a list or non-null, and wrap another one.
      ofType: 0.5,
    },
    largestType: Math.ceil(most / perType(fields.length)),
  };
}
