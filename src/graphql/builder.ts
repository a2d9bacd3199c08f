import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import { DateTimeResolver, JSONResolver } from 'graphql-scalars';
import type PrismaTypes from '../generated/pothos.ts';
import { getDatamodel } from '../generated/pothos.ts';
import type { Context } from './context.ts';
import { type NodeType, toNodeId } from './node-id.ts';
import { AccessPluginName } from './plugins/access.ts';
import { withinPage } from './plugins/limits.ts';
import { MutationDefaultsPluginName } from './plugins/mutation-defaults.ts';
import { RefusalFactsPluginName } from './plugins/refusal-facts.ts';
import { RequiresProofPluginName } from './plugins/requires-proof.ts';
import { SemanticNonNullPluginName } from './plugins/semantic-non-null.ts';

export const builder = new SchemaBuilder<{
  Context: Context;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Connection: { totalCount: () => Promise<number> };
  Scalars: {
    JSON: { Input: unknown; Output: unknown };
    _Any: { Input: unknown; Output: unknown };
    DateTime: { Input: Date; Output: Date };
    ID: { Input: string; Output: string };
  };
}>({
  defaultFieldNullability: false,
  // Earlier plugins wrap later ones. So the errors plugin turns also their errors into data.
  plugins: [
    SemanticNonNullPluginName,
    ComplexityPlugin,
    ErrorsPlugin,
    RefusalFactsPluginName,
    AccessPluginName,
    RequiresProofPluginName,
    MutationDefaultsPluginName,
    RelayPlugin,
    PrismaPlugin,
  ],
  errors: { directResult: true, defaultTypes: [] },
  // useComplexityLimit measures an operation once, before it is executed.
  complexity: { disabled: true },
  prisma: {
    client: (context) => context.database,
    dmmf: getDatamodel(),
    onUnusedQuery: 'error',
    maxConnectionSize: 100,
    defaultConnectionSize: 20,
  },
  relay: {
    // `node` and `nodes` check who may see an object: see node.ts.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    // Fields of payloads have IDs of deleted and ended objects. Each is of a type that implements Node.
    encodeGlobalID: (type, id) => toNodeId(type as NodeType, BigInt(id)),
    nodeTypeOptions: { access: 'parent', description: 'An object with a global ID.' },
    idFieldOptions: { description: 'The global ID: unique among all types, opaque, and never a credential.' },
    pageInfoTypeOptions: { access: 'parent', description: 'The position of a page in its list.' },
    hasNextPageFieldOptions: { description: 'Whether more items follow this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether more items precede this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first edge. Null if the page is empty.' },
    endCursorFieldOptions: { description: 'The cursor of the last edge. Null if the page is empty.' },
    cursorFieldOptions: { description: 'The position of the item, for `after` and `before`.' },
    nodeFieldOptions: { description: 'The item.' },
    edgesFieldOptions: { description: 'The edges of this page: each item with its cursor.', complexity: withinPage },
    nodesOnConnection: { description: 'The items of this page, without cursors.', complexity: withinPage },
    pageInfoFieldOptions: { description: 'The position of this page in the list.' },
    firstArgOptions: {
      description: 'The number of items from the start, or after `after`: by default 20, at most 100.',
    },
    afterArgOptions: { description: 'A cursor. The page starts after it.' },
    lastArgOptions: { description: 'The number of items from the end, or before `before`: at most 100.' },
    beforeArgOptions: { description: 'A cursor. The page ends before it.' },
    defaultConnectionTypeOptions: { access: 'parent' },
    defaultEdgeTypeOptions: { access: 'parent' },
  },
});

builder.globalConnectionField('totalCount', (t) =>
  t.int({
    description: 'The number of items on all pages.',
    // Aliases select it from one connection.
    resolve: (connection, _args, { loaders }) => loaders.count(connection, () => connection.totalCount()),
  }),
);

builder.addScalarType('DateTime', DateTimeResolver);
builder.addScalarType('JSON', JSONResolver);

builder.queryType({ description: 'Reads. A query changes nothing and starts no session.' });
builder.mutationType({
  description:
    'Changes. With the session cookie, every mutation needs the anti-CSRF token in the `anti-csrf` header. Refusals ' +
    'that the caller can act on are part of the result. A mutation is null only together with an entry in `errors`.',
});
builder.subscriptionType({
  description:
    'Live events, over server-sent events or a WebSocket. A stream begins with the current state, ends with the session ' +
    'that reads it, and can be resumed: see docs/live-events.md.',
});
