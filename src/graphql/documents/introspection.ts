/**
 * Measures the cost of introspection of a schema, so that aliases in one operation cannot repeat it a hundred times.
 */
import { type GraphQLSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isUnionType } from 'graphql';

export type ListLengths = {
  /**
   * The average number of objects that an introspection field returns, by its name. One for a field that is not here.
   */
  lists: Readonly<Record<string, number>>;
  /** The number of fields of the largest type, in average types. */
  largestType: number;
};

/** Returns the list lengths of introspection fields. A list counts as one object at least. */
export function listLengthsOf(schema: GraphQLSchema): ListLengths {
  const types = Object.values(schema.getTypeMap());
  const composite = types.filter((type) => isObjectType(type) || isInterfaceType(type));
  const fields = composite.flatMap((type) => Object.values(type.getFields()));
  const inputFields = types.filter(isInputObjectType).flatMap((type) => Object.values(type.getFields()));
  const possible = types.flatMap((type) =>
    isUnionType(type) || isInterfaceType(type) ? schema.getPossibleTypes(type) : [],
  );
  const perType = (count: number) => Math.max(1, count / types.length);
  const maxFields = Math.max(...composite.map((type) => Object.keys(type.getFields()).length));
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
      // Half of the types are a list or non-null, and wrap another type.
      ofType: 0.5,
    },
    largestType: Math.ceil(maxFields / perType(fields.length)),
  };
}
