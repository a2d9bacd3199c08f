/** The entities of Apollo Federation: the objects that other subgraphs extend and refer to, by their ID. */
import type { WithBrand } from '@pothos/plugin-prisma';
import { valueFromASTUntyped } from 'graphql';
import { RequestError } from '../../errors.ts';
import type { Session as SessionRow } from '../../sessions/session.ts';
import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { parseNodeId } from '../node-id.ts';
import { findNodes, listedNodes, requireShortList } from '../types/node.ts';
import { Session } from '../types/sessions/session.ts';
import { User } from '../types/user.ts';

/** The names of the types with a `@key`. */
export const entityNames = ['User', 'Session'] as const;

type Reference = { type: (typeof entityNames)[number]; id: string };

const Representation = builder.scalarType('_Any', {
  description: 'A reference to an entity: an object with the members `__typename` and `id`. Others are ignored.',
  serialize: (value) => value,
  // The resolver checks references. An error here would repeat the value.
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});

const Entity = builder.unionType('_Entity', {
  description: 'An object that other subgraphs extend or refer to.',
  types: [User, Session],
});

// A plain field, and not that of Pothos' plugin: the plugin adds it after the schema is built, so that no access is
// required of it, and looks up each object by itself.
builder.queryField('_entities', (t) =>
  t.field({
    access: 'public',
    type: [Entity],
    nullable: { list: false, items: true },
    description:
      'The objects with these references, in the same order: for gateways. An item is null if the object does not ' +
      'exist, or if the caller may not see it, as in `nodes`.',
    complexity: ({ representations }) => listedNodes(representations),
    args: {
      representations: t.arg({
        type: [Representation],
        required: true,
        description: 'References to users and sessions: at most a hundred.',
      }),
    },
    resolve: (_root, { representations }, context) => {
      requireShortList('_entities', representations);
      const references = representations.map(requireReference);
      const nodes = references.map(({ type, id }) => {
        const node = parseNodeId(id, context.database);
        return node?.type === type ? node : null;
      });
      // Only users and sessions were asked for.
      return findNodes(context, nodes) as Promise<(WithBrand<UserRow | SessionRow> | null)[]>;
    },
  }),
);

/** Reads a representation. @throws RequestError that does not repeat it, because it may be long or personal. */
function requireReference(representation: unknown, index: number): Reference {
  // Other values become objects that have neither member.
  const { __typename: name, id }: Record<string, unknown> = Object(representation);
  const type = entityNames.find((known) => known === name);
  if (type !== undefined && typeof id === 'string') return { type, id };
  throw new RequestError(
    'BAD_USER_INPUT',
    `The representation at index ${index} is not { "__typename": …, "id": … } with the ID of a ${entityNames.join(' or ')}.`,
  );
}
