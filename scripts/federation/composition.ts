/** Composes the graph with the composers of Apollo, The Guild and WunderGraph. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type DocumentNode, Kind, parse } from 'graphql';
import { printedSubgraph } from '../../src/graphql/schema.ts';
import type { Check } from './checks.ts';

type Subgraph = { name: string; url: string; typeDefs: DocumentNode };

/** Returns the graph as GraphQL text. @throws Error with the messages of the composer. */
type Compose = (subgraphs: Subgraph[]) => string;

/** The newest versions of the composers, beside the packages of examples/federation. */
export const composerPackages = {
  '@apollo/composition': '2.14.4',
  '@wundergraph/composition': '0.55.0',
};

/** The composers, by their names. They are too large for the development dependencies. */
function loadComposers(modules: string): Record<string, Compose> {
  const require = createRequire(`${modules}/`);
  const ofSupergraph = (packageName: string): Compose => {
    const { composeServices } = require(packageName);
    return (subgraphs) => {
      const { supergraphSdl, errors } = composeServices(subgraphs);
      return supergraphSdl ?? fail(errors);
    };
  };
  const { federateSubgraphs, ROUTER_COMPATIBILITY_VERSION_ONE: version } = require('@wundergraph/composition');
  const { printSchema } = require('graphql');
  return {
    Apollo: ofSupergraph('@apollo/composition'),
    'The Guild': ofSupergraph('@theguild/federation-composition'),
    WunderGraph(subgraphs) {
      const named = subgraphs.map(({ typeDefs, ...subgraph }) => ({ ...subgraph, definitions: typeDefs }));
      const result = federateSubgraphs({ subgraphs: named, version });
      return result.success ? printSchema(result.federatedGraphClientSchema) : fail(result.errors);
    },
  };
}

function fail(errors: readonly Error[]): never {
  throw new Error(errors.map(({ message }) => message).join('\n'));
}

/** A server with lists and IDs as Relay wants them, which many servers have. */
const relay = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
  type Query { products(first: Int, after: String): ProductConnection!  node(id: ID!): Node  nodes(ids: [ID!]!): [Node]! }
  interface Node { id: ID! }
  scalar DateTime
  type Product implements Node @key(fields: "id") { id: ID!  addedBy: User  addedAt: DateTime! }
  type ProductConnection { edges: [ProductEdge!]!  pageInfo: PageInfo! }
  type ProductEdge { cursor: String!  node: Product! }
  type PageInfo @shareable { startCursor: String  endCursor: String  hasNextPage: Boolean!  hasPreviousPage: Boolean! }
  type User @key(fields: "id", resolvable: false) { id: ID! }
`;

/** For a graph in which no other server has them: docs/federation.md. */
const withNode = readFileSync('examples/federation/node.graphql', 'utf8');

function graphOf(texts: Record<string, string>): Subgraph[] {
  return Object.entries(texts).map(([name, text]) => ({ name, url: `http://${name}.example`, typeDefs: parse(text) }));
}

/** Returns the names of the fields of a type. */
function fieldsOf(text: string, type: string): string[] {
  return parse(text).definitions.flatMap((definition) =>
    definition.kind === Kind.OBJECT_TYPE_DEFINITION && definition.name.value === type
      ? (definition.fields ?? []).map(({ name }) => name.value)
      : [],
  );
}

function assertHas(text: string, type: string, { all, none = [] }: { all: string[]; none?: string[] }): void {
  const fields = fieldsOf(text, type);
  const wrong = [...all.filter((name) => !fields.includes(name)), ...none.filter((name) => fields.includes(name))];
  assert.deepEqual(wrong, [], `${type} has ${fields.join()}`);
}

function checksOf(composer: string, compose: Compose): Check[] {
  const accounts = printedSubgraph();
  const orders = readFileSync('examples/federation/orders.graphql', 'utf8');
  return [
    {
      name: `${composer} composes it with a server that extends User`,
      async act() {
        const text = compose(graphOf({ accounts, orders }));
        assertHas(text, 'User', { all: ['id', 'email', 'sessions', 'orders'] });
        assertHas(text, 'Session', { all: ['id', 'user'] });
        assertHas(text, 'Order', { all: ['id', 'buyer'] });
        assertHas(text, 'Mutation', { all: ['login', 'revoke', 'placeOrder'] });
        const none = ['_entities', '_service', 'node', 'nodes'];
        assertHas(text, 'Query', { all: ['viewer', 'latestOrders'], none });
      },
    },
    {
      name: `${composer} composes it with a server for Relay`,
      async act() {
        const text = compose(graphOf({ accounts, orders, products: relay }));
        assertHas(text, 'Query', { all: ['viewer', 'latestOrders', 'products', 'node', 'nodes'] });
        assertHas(text, 'PageInfo', { all: ['endCursor'] });
      },
    },
    {
      name: `${composer} composes it with its own node and nodes, if no other server has them`,
      async act() {
        const text = compose(graphOf({ accounts: accounts + withNode, orders }));
        assertHas(text, 'Query', { all: ['viewer', 'node', 'nodes'] });
      },
    },
  ];
}

/** Returns the checks of all composers. */
export function compositionChecks(modules: string): Check[] {
  return Object.entries(loadComposers(modules)).flatMap(([composer, compose]) => checksOf(composer, compose));
}
