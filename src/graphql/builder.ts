import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import { DateTimeResolver, JSONResolver } from 'graphql-scalars';
import type PrismaTypes from '../generated/pothos.ts';
import { getDatamodel } from '../generated/pothos.ts';
import type { Context } from './context.ts';
import { AccessPluginName } from './plugins/access.ts';
import { withinPage } from './plugins/limits.ts';
import { MutationDefaultsPluginName } from './plugins/mutation-defaults.ts';

export const builder = new SchemaBuilder<{
  Context: Context;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Connection: { totalCount: () => Promise<number> };
  Scalars: {
    JSON: { Input: unknown; Output: unknown };
    DateTime: { Input: Date; Output: Date };
    ID: { Input: string; Output: string };
  };
}>({
  defaultFieldNullability: false,
  // A plugin that is listed earlier wraps those that come later: errors are turned into data around everything.
  plugins: [ComplexityPlugin, ErrorsPlugin, AccessPluginName, MutationDefaultsPluginName, RelayPlugin, PrismaPlugin],
  errors: { directResult: true, defaultTypes: [] },
  // Measured once an operation, and before any of it is executed, by useComplexityLimit.
  complexity: { disabled: true },
  prisma: {
    client: (context) => context.database,
    dmmf: getDatamodel(),
    onUnusedQuery: 'error',
    maxConnectionSize: 100,
    defaultConnectionSize: 20,
  },
  relay: {
    // `node` and `nodes` are reads with a rule in them, see node.ts.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: {
      access: 'parent',
      description: 'Something that has an id of its own, unique among all types.',
    },
    idFieldOptions: { description: 'Unique among all types, opaque, and never a credential.' },
    pageInfoTypeOptions: { access: 'parent', description: 'Where a page lies within its connection.' },
    hasNextPageFieldOptions: { description: 'Whether there is more after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there is more before this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first edge. Null if the page is empty.' },
    endCursorFieldOptions: { description: 'The cursor of the last edge. Null if the page is empty.' },
    cursorFieldOptions: { description: 'Where the edge lies, for `after` and `before`.' },
    nodeFieldOptions: { description: 'What is at the edge.' },
    edgesFieldOptions: { description: 'The page, with a cursor for each of it.', complexity: withinPage },
    nodesOnConnection: { description: 'The page, without cursors.', complexity: withinPage },
    pageInfoFieldOptions: { description: 'Where the page lies.' },
    firstArgOptions: { description: 'How many from the beginning, or after `after`: 20 if not said, 100 at most.' },
    afterArgOptions: { description: 'A cursor: what comes after it.' },
    lastArgOptions: { description: 'How many from the end, or before `before`: 100 at most.' },
    beforeArgOptions: { description: 'A cursor: what comes before it.' },
    defaultConnectionTypeOptions: { access: 'parent' },
    defaultEdgeTypeOptions: { access: 'parent' },
  },
});

builder.globalConnectionField('totalCount', (t) =>
  t.int({
    description: 'How many items there are on all pages.',
    resolve: (connection) => connection.totalCount(),
  }),
);

builder.addScalarType('DateTime', DateTimeResolver);
builder.addScalarType('JSON', JSONResolver);

builder.queryType({ description: 'What can be asked. Nothing here changes anything, or starts a session.' });
builder.mutationType({
  description:
    'What can be done. Over the session cookie, each of these needs the anti-CSRF token in the `anti-csrf` header. ' +
    'What a caller can do something about is in the result; a root is null only beside an entry in `errors`.',
});
