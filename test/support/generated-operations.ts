/** Operations that are made from the schema alone, so that a new field is attacked automatically. */
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { schema } from '../../src/graphql/schema.ts';
import { password } from './api.ts';
import type { Random } from './random.ts';

export type RootField = { operation: 'query' | 'mutation'; field: GraphQLField<unknown, unknown> };

/** Returns every field of the root types. */
export function rootFields(): RootField[] {
  const of = (operation: 'query' | 'mutation') =>
    Object.values((operation === 'query' ? schema.getQueryType() : schema.getMutationType())?.getFields() ?? {}).map(
      (field) => ({ operation, field }),
    );
  return [...of('query'), ...of('mutation')];
}

/** Values that have broken servers, or might. Few of them are valid in their place. */
const texts = [
  'ada@example.com',
  password,
  'VXNlcjox',
  'U2Vzc2lvbjox',
  `${'0'.repeat(32)}.${'A'.repeat(43)}`,
  'R1BDOk46MQ==',
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\ufdfa'.repeat(400),
  'a'.repeat(3_000),
  '%'.repeat(300),
  "' OR 1=1 --",
  '{"$ne":null}',
  '__proto__',
  'a@b,c@d',
  'ada@example.com\r\nBcc: eve@example.com',
  '\u202eadmin',
  '../../etc/passwd',
  '-1',
  '9'.repeat(40),
  '2026-11-25T00:00:00Z',
];

const times = ['2026-11-25T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2026-02-30T00:00:00Z', ''];

const literals = ['null', '1', '-1', '0', '2147483648', '1e999', 'true', '[]', '[[]]', '{}', 'NONSENSE', '$v', '1.5'];

const objects = [
  '{}',
  '{a:1}',
  '{__proto__:{x:1}}',
  '{a:{b:{c:[1,null,"x"]}}}',
  `{a:"${'y'.repeat(9_000)}"}`,
  '{userId:1}',
  '{a:9007199254740993}',
  `${'{a:'.repeat(60)}1${'}'.repeat(60)}`,
];

/** Returns a literal for a type: mostly a valid one. */
export function literalOf(type: GraphQLInputType, random: Random): string {
  if (random.onceIn(12)) return random.pick(literals);
  if (isNonNullType(type)) return literalOf(type.ofType, random);
  if (random.onceIn(9)) return 'null';
  if (isListType(type)) {
    return `[${Array.from({ length: random.below(4) }, () => literalOf(type.ofType, random)).join(' ')}]`;
  }
  if (isEnumType(type)) return random.pick(type.getValues()).name;
  if (isInputObjectType(type)) {
    const all = Object.values(type.getFields());
    const some = all.filter((field) => isRequiredInputField(field) || random.onceIn(3));
    const given = type.isOneOf && !random.onceIn(12) ? [random.pick(all)] : some;
    const fields = given.map((field) => `${field.name}:${literalOf(field.type, random)}`);
    return `{${fields.join(' ')}}`;
  }
  if (type.name === 'Boolean') return random.pick(['true', 'false']);
  if (type.name === 'Int') return random.pick(['1', '0', '-1', '100', '101', '2147483647']);
  if (type.name === 'DateTime') return JSON.stringify(random.pick(times));
  if (type.name === 'JSON') return random.pick(objects);
  return JSON.stringify(random.pick(texts));
}

/** Returns an argument list with the required arguments, and at random with optional ones. */
export function argumentsOf(args: readonly GraphQLArgument[], random: Random): string {
  const given = args.filter((arg) => (isRequiredArgument(arg) ? !random.onceIn(30) : random.onceIn(3)));
  if (given.length === 0) return '';
  return `(${given.map((arg) => `${arg.name}:${literalOf(arg.type, random)}`).join(' ')})`;
}

/** Returns the selection of some fields of a type, with those of every type that an abstract one can be. */
export function selectionOf(type: GraphQLOutputType, depth: number, random: Random): string {
  const named = getNamedType(type);
  if (!isCompositeType(named)) return '';
  if (isAbstractType(named)) {
    const parts = schema
      .getPossibleTypes(named)
      .filter(() => !random.onceIn(4))
      .map((possible) => `...on ${possible.name}${selectionOf(possible, depth, random)}`);
    return `{__typename ${parts.join(' ')}}`;
  }
  const fields = isObjectType(named) ? Object.values(named.getFields()) : [];
  const chosen = fields.filter(({ type: inner }) => {
    const isLeaf = !isCompositeType(getNamedType(inner));
    return isLeaf ? random.onceIn(2) : depth > 0 && random.onceIn(2);
  });
  const parts = chosen.map((field) => fieldOf(field, depth - 1, random));
  return `{__typename ${parts.join(' ')}}`;
}

function fieldOf(field: GraphQLField<unknown, unknown>, depth: number, random: Random): string {
  const alias = random.onceIn(8) ? `x${random.below(3)}:` : '';
  return `${alias}${field.name}${argumentsOf(field.args, random)}${selectionOf(field.type, depth, random)}`;
}

/** Returns an operation of one to three root fields. Response names may conflict, and strings may be invalid. */
export function operationOf(random: Random): string {
  const all = rootFields();
  const { operation } = random.pick(all);
  const sameRoot = all.filter((one) => one.operation === operation);
  const parts = Array.from({ length: 1 + random.below(3) }, () => fieldOf(random.pick(sameRoot).field, 2, random));
  const variables = random.onceIn(6) ? '($v:ID)' : '';
  return `${operation} ${variables}{${parts.join(' ')}}`;
}
