import type { Database } from '../../database/database.ts';
import { type AuditEventType, auditEventTypes, isUnproven } from '../../events/record.ts';
import type { AuditEvent as AuditEventRow, Prisma } from '../../generated/sqlite/client.ts';
import type { Scope } from '../../scope.ts';
import { builder } from '../builder.ts';
import { type Context, canSeeUser } from '../context.ts';
import { parseUserId, toNodeId } from '../node-id.ts';
import { newestFirst } from '../pages.ts';
import { nestedPageComplexity, pageComplexity } from '../plugins/limits.ts';
import { User } from './user.ts';

export const AuditEventTypeEnum = builder.enumType('AuditEventType', {
  description: 'The kind of an audit event. More may be added.',
  values: Object.fromEntries(
    Object.entries(auditEventTypes).map(([type, description]) => [type, { value: type, description }]),
  ) as Record<AuditEventType, { value: AuditEventType; description: string }>,
});

/**
 * Returns the ID of the actor. Null for a request that proved nothing for the account, even if an earlier version of
 * this server recorded the user of its session.
 */
function actorIdOf({ type, actorId }: AuditEventRow): bigint | null {
  return isUnproven(type) ? null : actorId;
}

/** Returns whether the caller may see the client of an event. Only administrators see the clients of administrators. */
function canSeeClient(event: AuditEventRow, { caller }: Context): boolean {
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
  description:
    'An event in the history of an account. It never changes. Visible to the user of the account and to ' +
    'administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('AuditEvent', id),
    }),
    createdAt: t.expose('at', { type: 'DateTime', description: 'When the event happened.' }),
    type: t.field({
      type: AuditEventTypeEnum,
      description: 'The kind of the event.',
      // Only recordEvents writes the column.
      resolve: ({ type }) => type as AuditEventType,
    }),
    userId: t.id({
      nullable: true,
      description:
        'The `id` of the user, also after the user is deleted. Null if no account has the address that was tried.',
      resolve: ({ userId }) => (userId === null ? null : toNodeId('User', userId)),
    }),
    user: t.field({
      type: User,
      nullable: true,
      description:
        'The user of the account. Null if no account has the address that was tried, after the user is deleted, and if ' +
        'the caller may not see the user.',
      resolve: ({ userId }, _args, { loaders, caller }) =>
        userId !== null && canSeeUser(userId, caller.scope) ? loaders.user(userId) : null,
    }),
    actor: t.field({
      type: User,
      nullable: true,
      access: 'adminReader',
      description:
        'The user who caused the event. Null if the request proved no user, such as a failed login, and after that ' +
        'user is deleted. Null for callers other than administrators.',
      resolve: (event, _args, { loaders }) => {
        const actorId = actorIdOf(event);
        return actorId === null ? null : loaders.user(actorId);
      },
    }),
    isOwn: t.boolean({
      description:
        'Whether the user of the account caused the event. False for events of administrators, and if the request ' +
        'did not prove to be from the user, such as a failed login.',
      resolve: (event) => event.userId !== null && event.userId === actorIdOf(event),
    }),
    sessionHandle: t.exposeString('sessionHandle', {
      nullable: true,
      description: 'The `handle` of the session that the event is about, or happened in. Null without a session.',
    }),
    ipAddress: t.string({
      nullable: true,
      description:
        'The IP address of the client. Null if it is unknown. For events of administrators, only administrators see ' +
        'it.',
      resolve: (event, _args, context) => (canSeeClient(event, context) ? event.ipAddress : null),
    }),
    userAgent: t.string({
      nullable: true,
      description:
        'The User-Agent header of the client. Null without one. For events of administrators, only administrators ' +
        'see it.',
      resolve: (event, _args, context) => (canSeeClient(event, context) ? event.userAgent : null),
    }),
    detail: t.exposeString('detail', {
      nullable: true,
      description: 'Details of the change, for example `user → admin`. Null if the type has none.',
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
      description: 'The history of the account, newest first. Null for callers other than the user and administrators.',
      complexity: nestedPageComplexity,
      resolve: (query, { id }, args, { replica }) =>
        replica.auditEvent.findMany(newestFirst(query, args, replica, { userId: id })),
      totalCount: ({ id }, _args, { replica, loaders }) =>
        loaders.count(`events of ${id}`, () => replica.auditEvent.count({ where: { userId: id } })),
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
      semanticNonNull: true,
      description: 'The history of all accounts, newest first. Only for administrators.',
      complexity: pageComplexity,
      args: {
        userId: t.arg.id({
          description:
            'Returns only events of this user, even after the user is deleted. BAD_USER_INPUT for the ID of anything else.',
        }),
        type: t.arg({ type: AuditEventTypeEnum, description: 'Returns only events of this kind.' }),
      },
      resolve: (query, _root, args, { replica }) =>
        replica.auditEvent.findMany(newestFirst(query, args, replica, whereListed(args, replica))),
      totalCount: (_root, args, { replica }) => replica.auditEvent.count({ where: whereListed(args, replica) }),
    },
    AuditEventConnection,
  ),
);

type EventFilter = { userId?: string | null | undefined; type?: AuditEventType | null | undefined };

function whereListed({ userId, type }: EventFilter, database: Database) {
  return {
    ...(userId == null ? {} : { userId: parseUserId(userId, database) }),
    ...(type == null ? {} : { type }),
  };
}
