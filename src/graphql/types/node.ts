import { brandWithType } from '@pothos/core';
import { RequestError } from '../../errors.ts';
import { whereVisibleTo } from '../../sessions/end.ts';
import { builder } from '../builder.ts';
import { type Context, maySeeOf } from '../context.ts';
import { parseNodeId } from '../node-id.ts';
import { Session } from './session.ts';
import { User } from './user.ts';

const maxListLength = 100;

/** What is behind the ids, in their order; null where there is nothing, or nothing that the caller may see. */
async function findNodes(context: Context, globalIds: string[]): Promise<(object | null)[]> {
  const ids = globalIds.map(parseNodeId);
  const idsOf = (type: string) => ids.flatMap((node) => (node?.type === type ? [node.id] : []));
  const { scope } = context.caller;
  if (!scope.session) return ids.map(() => null);
  const visibleUserIds = idsOf('User').filter((id) => maySeeOf(id, scope));
  const sessionIds = idsOf('Session');
  const { user, session } = context.database;
  const [users, sessions] = await Promise.all([
    visibleUserIds.length > 0 ? user.findMany({ where: { id: { in: visibleUserIds } } }) : [],
    sessionIds.length > 0
      ? session.findMany({ where: { AND: [{ id: { in: sessionIds } }, whereVisibleTo(scope)] } })
      : [],
  ]);
  const found = new Map<string, object>();
  for (const record of users) {
    brandWithType(record, User);
    found.set(`User:${record.id}`, record);
  }
  for (const record of sessions) {
    brandWithType(record, Session);
    found.set(`Session:${record.id}`, record);
  }
  return ids.map((node) => (node ? (found.get(`${node.type}:${node.id}`) ?? null) : null));
}

builder.queryField('node', (t) =>
  t.field({
    access: 'public',
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'The object with this id. Null if there is none, or none that the caller may see.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of an object, as this API gave it out.' }) },
    resolve: async (_root, { id }, context) => (await findNodes(context, [id]))[0] ?? null,
  }),
);

builder.queryField('nodes', (t) =>
  t.field({
    access: 'public',
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description:
      'The objects with these ids, in their order. Null where there is none, or none that the caller may see.',
    // Each id is looked up, whatever is selected of it.
    complexity: ({ ids }) => ({ field: 1 + ids.length, multiplier: Math.max(1, ids.length) }),
    args: { ids: t.arg.idList({ required: true, description: `At most ${maxListLength} ids.` }) },
    resolve: (_root, { ids }, context) => {
      if (ids.length > maxListLength) {
        throw new RequestError('BAD_USER_INPUT', `nodes takes at most ${maxListLength} ids; ${ids.length} were sent.`);
      }
      return findNodes(context, ids);
    },
  }),
);
