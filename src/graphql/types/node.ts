import { brandWithType } from '@pothos/core';
import { RequestError } from '../../errors.ts';
import { whereVisibleTo } from '../../sessions/revoke.ts';
import { builder } from '../builder.ts';
import { type Context, canSeeUser } from '../context.ts';
import type { Row } from '../loaders.ts';
import { type NodeId, type NodeType, parseNodeId } from '../node-id.ts';
import { AuditEvent, whereEventVisibleTo } from './audit-event.ts';
import { Passkey, wherePasskeyVisibleTo } from './factors/passkey.ts';
import { ServiceClient } from './service-client.ts';
import { Revocation } from './sessions/revocation.ts';
import { Session } from './sessions/session.ts';
import { TrustedDevice, whereDeviceVisibleTo } from './trusted-device.ts';
import { User } from './user.ts';
import { WebhookDelivery } from './webhooks/delivery.ts';
import { Webhook } from './webhooks/webhook.ts';

const maxListLength = 100;

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
  Revocation: (ids, { database, caller }) =>
    caller.scope.isAdmin ? database.revocation.findMany({ where: { id: { in: ids } } }) : [],
  TrustedDevice: (ids, { database, caller }) =>
    database.userToken.findMany({ where: { AND: [{ id: { in: ids } }, whereDeviceVisibleTo(caller.scope)] } }),
  Passkey: (ids, { database, caller }) =>
    database.passkey.findMany({ where: { AND: [{ id: { in: ids } }, wherePasskeyVisibleTo(caller.scope)] } }),
  Webhook: (ids, { database, caller }) =>
    caller.scope.isAdmin ? database.webhook.findMany({ where: { id: { in: ids } } }) : [],
  WebhookDelivery: (ids, { database, caller }) =>
    caller.scope.isAdmin ? database.webhookDelivery.findMany({ where: { id: { in: ids } } }) : [],
};

const types = {
  User,
  Session,
  AuditEvent,
  ServiceClient,
  Revocation,
  TrustedDevice,
  Passkey,
  Webhook,
  WebhookDelivery,
} satisfies Record<NodeType, unknown>;

/**
 * Returns the objects with these IDs, in the same order, with one query per type for a whole request. Null stands for an
 * object that does not exist, or that the caller may not see.
 */
export async function findNodes(context: Context, nodes: (NodeId | null)[]): Promise<(object | null)[]> {
  const { session, service } = context.caller.scope;
  if (!session && !service) return nodes.map(() => null);
  return Promise.all(nodes.map((node) => node && findNode(context, node)));
}

function findNode(context: Context, { type, id }: NodeId): Promise<object | null> {
  const loader = context.loaders.rows(type, async (ids) => {
    const rows = await finders[type](ids, context);
    for (const row of rows) brandWithType(row, types[type]);
    return rows;
  });
  return loader.load(id);
}

/** Returns the complexity of a list of objects. Each is looked up, for any selection. */
export function listedNodes({ length }: readonly unknown[]) {
  return { field: 1 + length, multiplier: Math.max(1, length) };
}

/** Rejects a list that a field would look up with too much work. @throws RequestError */
export function requireShortList(field: string, { length }: readonly unknown[]): void {
  if (length <= maxListLength) return;
  throw new RequestError('BAD_USER_INPUT', `${field} takes at most ${maxListLength} IDs, and got ${length}.`);
}

builder.queryField('node', (t) =>
  t.field({
    access: 'public',
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'The object with this ID. Null if it does not exist, or if the caller may not see it.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of any object of this API.' }) },
    resolve: async (_root, { id }, context) => {
      const [found = null] = await findNodes(context, [parseNodeId(id, context.database)]);
      return found;
    },
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
    complexity: ({ ids }) => listedNodes(ids),
    args: { ids: t.arg.idList({ required: true, description: `At most ${maxListLength} IDs.` }) },
    resolve: (_root, { ids }, context) => {
      requireShortList('nodes', ids);
      return findNodes(
        context,
        ids.map((id) => parseNodeId(id, context.database)),
      );
    },
  }),
);
