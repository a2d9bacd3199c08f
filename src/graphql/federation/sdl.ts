/** Prints the schema as a subgraph, for programs that compose the graphs of several servers (Apollo Federation 2). */
import {
  type GraphQLSchema,
  lexicographicSortSchema,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  visit,
} from 'graphql';
import type { Config } from '../../config/config.ts';
import { printWithDirectives } from '../field-directives.ts';
import { requiresProofOn } from '../plugins/requires-proof.ts';
import { entityNames } from './entities.ts';
import { gatewayQueries, withoutQueries } from './without-queries.ts';

/** Composers do not know this directive of GraphQL unless the text defines it: Apollo's rejects the text. */
const oneOf = 'directive @oneOf on INPUT_OBJECT';

/** The newest version that the composers of Apollo, The Guild and WunderGraph all know. */
const version = 'v2.9';

/**
 * The queries that a graph of several servers cannot have. Only one of them could answer, and a gateway cannot tell which
 * one from an opaque ID.
 */
const ambiguousQueries = ['node', 'nodes'];

/** The directives of types, by the name of the type. Every server with pages as Relay wants them has PageInfo. */
const directives: Readonly<Record<string, string>> = {
  ...Object.fromEntries(entityNames.map((name) => [name, '@key(fields: "id")'])),
  PageInfo: '@shareable',
};

/** The settings that the text of a server depends on. */
type PrintedSettings = Pick<Config, 'reauthenticateAfterMs'>;

const printed = new WeakMap<PrintedSettings, string>();

/** Returns the text of the subgraph of a server. Prints it once. */
export function subgraphSdlOf(config: PrintedSettings, schema: GraphQLSchema): string {
  const sdl = printed.get(config) ?? subgraphSdl(schema, requiresProofOn(config));
  printed.set(config, sdl);
  return sdl;
}

/** Returns the text of the subgraph of a schema, with other arguments for its directives. */
export function subgraphSdl(schema: GraphQLSchema, replaced: Parameters<typeof printWithDirectives>[1] = {}): string {
  const common = withoutQueries(schema, [...gatewayQueries, ...ambiguousQueries]);
  const document = visit(parse(printWithDirectives(lexicographicSortSchema(common), replaced)), {
    ObjectTypeDefinition: withDirectives,
  });
  const link = `extend schema @link(url: "https://specs.apollo.dev/federation/${version}", import: ["@key", "@shareable"])`;
  return `${link}\n\n${oneOf}\n\n${print(document)}\n`;
}

function withDirectives(type: ObjectTypeDefinitionNode): ObjectTypeDefinitionNode {
  const added = directives[type.name.value];
  if (added === undefined) return type;
  const [example] = parse(`type Example ${added}`).definitions;
  // The text above defines an object type.
  const nodes = (example as ObjectTypeDefinitionNode).directives ?? [];
  return { ...type, directives: [...(type.directives ?? []), ...nodes] };
}
