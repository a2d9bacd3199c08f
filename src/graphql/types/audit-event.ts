import { type AuditEventType, auditEventTypes, isUnproven } from '../../events/record.ts';
import type { AuditEvent as AuditEventRow, Prisma } from '../../generated/sqlite/client.ts';
import type { Scope } from '../../scope.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { parseNodeId, requireCursors, toNodeId } from '../node-id.ts';
import { pageComplexity } from '../plugins/limits.ts';
import { User } from './user.ts';

const AuditEventTypeEnum = builder.enumType('AuditEventType', {
  description: 'What happened to an account. More may be added.',
  values: Object.fromEntries(
    Object.entries(auditEventTypes).map(([type, description]) => [type, { value: type, description }]),
  ) as Record<AuditEventType, { value: AuditEventType; description: string }>,
});

/**
 * Who did it. Null for a request that proved nothing for the account, also where an earlier version of this server
 * wrote down the user of the session that it came with.
 */
function actorIdOf({ type, actorId }: AuditEventRow): number | null {
  return isUnproven(type) ? null : actorId;
}

/** Where an administrator was is theirs to know, and other administrators'. The user sees where everybody else was. */
function maySeeClient(event: AuditEventRow, { caller }: Context): boolean {
  const actorId = actorIdOf(event);
  return actorId === null || actorId === event.userId || caller.scope.isAdmin;
}

/** Returns the condition for the events that the caller may see: those of its user, and for administrators all. */
export function whereEventVisibleTo({ session, isAdmin }: Scope): Prisma.AuditEventWhereInput {
  if (isAdmin) return {};
  // Null would match the events without a user.
  return session === null || session.userId === null ? { id: { in: [] } } : { userId: session.userId };
}

export const AuditEvent = builder.prismaObject('AuditEvent', {
  access: 'parent',
  description: 'Something that happened to an account. Visible to its user and to administrators, and never changed.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'Unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('AuditEvent', id),
    }),
    createdAt: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    type: t.field({
      type: AuditEventTypeEnum,
      description: 'What happened.',
      // The column has what recordEvents wrote.
      resolve: ({ type }) => type as AuditEventType,
    }),
    user: t.field({
      type: User,
      nullable: true,
      description: 'Whose account it was. Null where nobody has the address that was tried, and once they are deleted.',
      resolve: ({ userId }, _args, { loaders }) => (userId === null ? null : loaders.user(userId)),
    }),
    actor: t.field({
      type: User,
      nullable: true,
      access: 'admin',
      description:
        'Who did it. Null where nobody proved to be anybody, such as for a failed login, and once they are deleted. ' +
        'For administrators only.',
      resolve: (event, _args, { loaders }) => {
        const actorId = actorIdOf(event);
        return actorId === null ? null : loaders.user(actorId);
      },
    }),
    isOwn: t.boolean({
      description:
        'Whether the user did it, and not an administrator. False where nobody proved to be the user, such as for a ' +
        'failed login.',
      resolve: (event) => event.userId !== null && event.userId === actorIdOf(event),
    }),
    sessionHandle: t.exposeString('sessionHandle', {
      nullable: true,
      description: 'The handle of the session that it was about, or was done in. Null if there was none.',
    }),
    ipAddress: t.string({
      nullable: true,
      description: 'Where it was done from. Null if it is not known, and where an administrator did it.',
      resolve: (event, _args, context) => (maySeeClient(event, context) ? event.ipAddress : null),
    }),
    userAgent: t.string({
      nullable: true,
      description: 'The User-Agent header it came with. Null if there was none, and where an administrator did it.',
      resolve: (event, _args, context) => (maySeeClient(event, context) ? event.userAgent : null),
    }),
    detail: t.exposeString('detail', {
      nullable: true,
      description: 'What it became, such as `user → admin`. Null where the type says it all.',
    }),
  }),
});

const AuditEventConnection = builder.connectionObject(
  { type: AuditEvent, name: 'AuditEventConnection', description: 'A page of audit events.' },
  { description: 'An audit event on a page.' },
);

builder.prismaObjectField(User, 'auditEvents', (t) =>
  t.prismaConnection(
    {
      access: 'owner',
      type: AuditEvent,
      cursor: 'id',
      nullable: true,
      description: 'What happened to the account, newest first. Null for anybody but the user and administrators.',
      complexity: pageComplexity,
      resolve: (query, user, args, { replica }) => {
        requireCursors(args);
        return replica.auditEvent.findMany({ ...query, where: { userId: user.id }, orderBy: { id: 'desc' } });
      },
      totalCount: (user, _args, { replica }) => replica.auditEvent.count({ where: { userId: user.id } }),
    },
    AuditEventConnection,
  ),
);

builder.queryField('auditEvents', (t) =>
  t.prismaConnection(
    {
      access: 'admin',
      type: AuditEvent,
      cursor: 'id',
      nullable: true,
      description: 'What happened to all accounts, newest first. For administrators only.',
      complexity: pageComplexity,
      args: {
        userId: t.arg.id({ description: 'Only what happened to this user, who may have been deleted since.' }),
        type: t.arg({ type: AuditEventTypeEnum, description: 'Only events of this kind.' }),
      },
      resolve: (query, _root, args, { replica }) => {
        requireCursors(args);
        return replica.auditEvent.findMany({ ...query, where: whereListed(args), orderBy: { id: 'desc' } });
      },
      totalCount: (_root, args, { replica }) => replica.auditEvent.count({ where: whereListed(args) }),
    },
    AuditEventConnection,
  ),
);

type EventFilter = { userId?: string | null | undefined; type?: AuditEventType | null | undefined };

function whereListed({ userId, type }: EventFilter) {
  const node = userId == null ? null : parseNodeId(userId);
  return {
    // What is no id of a user has no history.
    ...(userId == null ? {} : { userId: node?.type === 'User' ? node.id : 0 }),
    ...(type == null ? {} : { type }),
  };
}
