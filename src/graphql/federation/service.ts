/** The text of the subgraph, for programs that compose the graphs of several servers. */
import { builder } from '../builder.ts';
import { schemaText } from '../plugins/limits.ts';
import { subgraphSdlOf } from './sdl.ts';

const Service = builder.objectRef<object>('_Service').implement({
  access: 'parent',
  description: 'This server as a subgraph (Apollo Federation 2).',
  fields: (t) => ({
    sdl: t.string({
      description:
        'The schema with the directives of Federation, as `graphql-sessions print-schema --subgraph` prints it. The ages ' +
        'in `@requiresProof` are those of this server.',
      complexity: schemaText,
      resolve: (_service, _args, { config }, { schema }) => subgraphSdlOf(config, schema),
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
