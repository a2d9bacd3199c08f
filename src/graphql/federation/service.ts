/** The text of the subgraph, for programs that compose the graphs of several servers. */
import { builder } from '../builder.ts';
import { schemaText } from '../plugins/limits.ts';
import { subgraphSdl } from './sdl.ts';

const Service = builder.objectRef<object>('_Service').implement({
  access: 'parent',
  description: 'This server as a subgraph (Apollo Federation 2).',
  fields: (t) => ({
    sdl: t.string({
      description:
        'The schema with the directives of Federation, as `graphql-sessions print-schema --subgraph` prints it.',
      complexity: schemaText,
      resolve: (_service, _args, _context, { schema }) => subgraphSdl(schema),
    }),
  }),
});

builder.queryField('_service', (t) =>
  t.field({
    access: 'introspection',
    type: Service,
    description:
      'This server as a subgraph: for programs that compose graphs. With `INTROSPECTION=false`, only for administrators ' +
      'and services.',
    resolve: () => ({}),
  }),
);
