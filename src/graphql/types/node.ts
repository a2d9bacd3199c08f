import { brandWithType } from '@pothos/core';
import { RequestError } from '../../errors.ts';
import { whereVisibleTo } from '../../sessions/revoke.ts';
import { builder } from '../builder.ts';
import { type Context, canSeeUser } from '../context.ts';
import { type NodeType, parseNodeId, toNodeId } from '../node-id.ts';
import { AuditEvent, whereEventVisibleTo } from './audit-event.ts';
import { ServiceClient } from './service-client.ts';
import { Session } from './session.ts';
import { User } from './user.ts';

const maxListLength = 100;

type Row = { id: bigint };

/** Finds the rows with these IDs that the caller may see, in at most one query. */
type Find = (ids: bigint[], context: Context) => Promise<Row[]> | Row[];

const finders: Record<NodeType, Find> = {
  User: (ids, { database, caller }) => {
    const visible = ids.filter((id) => canSeeUser(id, caller.scope));
    return visible.length > 0 ? database.user.findMany({ where: { id: { in: visible } } }) : [];
  },
  Session: (ids, { database, caller }) =>
    database.session.findMany({ where: { AND: [{ id: { in: ids } }, whereVisibleTo(caller.scope)] } }),
  AuditEvent: (ids, { database, caller }) =>
    database.auditEvent.findMany({ where: { AND: [{ id: { in: ids } }, whereEventVisibleTo(caller.scope)] } }),
  ServiceClient: (ids, { database, caller }) =>
    caller.scope.isAdmin ? database.serviceClient.findMany({ where: { id: { in: ids } } }) : [],
};

const types = { User, Session, AuditEvent, ServiceClient } satisfies Record<NodeType, unknown>;

/**
 * Returns the objects with these global IDs, in the same order, with one query per type. Null stands for an object that
 * does not exist, or that the caller may not see.
 */
async function findNodes(context: Context, globalIds: string[]): Promise<(object | null)[]> {
  const { session, service } = context.caller.scope;
  if (!session && !service) return globalIds.map(() => null);
  const nodes = globalIds.map((globalId) => parseNodeId(globalId, context.database));
  const byType = Map.groupBy(
    nodes.filter((node) => node !== null),
    ({ type }) => type,
  );
  const found = new Map<string, object>();
  const queries = [...byType].map(async ([type, ofType]) => {
    const rows = await finders[type](
      ofType.map(({ id }) => id),
      context,
    );
    for (const row of rows) {
      brandWithType(row, types[type]);
      found.set(toNodeId(type, row.id), row);
    }
  });
  await Promise.all(queries);
  return nodes.map((node) => (node ? (found.get(toNodeId(node.type, node.id)) ?? null) : null));
}

builder.queryField('node', (t) =>
  t.field({
    access: 'public',
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'The object with this ID. Null if it does not exist, or if the caller may not see it.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of any object of this API.' }) },
    resolve: async (_root, { id }, context) => (await findNodes(context, [id]))[0] ?? null,
  }),
);

builder.queryField('nodes', (t) =>
  t.field({
    access: 'public',
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description:
      'The objects with these IDs, in the same order. An item is null if the object does not exist, or if the caller ' +
      'may not see it.',
    // Each ID is looked up, for any selection.
    complexity: ({ ids }) => ({ field: 1 + ids.length, multiplier: Math.max(1, ids.length) }),
    args: { ids: t.arg.idList({ required: true, description: `At most ${maxListLength} IDs.` }) },
    resolve: (_root, { ids }, context) => {
      if (ids.length > maxListLength) {
        throw new RequestError('BAD_USER_INPUT', `nodes takes at most ${maxListLength} IDs, and got ${ids.length}.`);
      }
      return findNodes(context, ids);
    },
  }),
);
