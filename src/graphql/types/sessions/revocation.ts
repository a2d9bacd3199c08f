import { type RevocationState, revocationStates } from '../../../sessions/revocations/revocation.ts';
import { builder } from '../../builder.ts';
import { parseNodeId, toNodeId } from '../../node-id.ts';
import { newestFirst } from '../../pages.ts';
import { pageComplexity } from '../../plugins/limits.ts';
import { User } from '../user.ts';

const stateDescriptions: Record<RevocationState, string> = {
  PENDING: 'No server has begun yet. One does within seconds.',
  RUNNING: 'A server is working on it.',
  DONE: 'It is finished.',
  CANCELLED: 'An administrator cancelled it. The sessions that had ended until then stay ended.',
  FAILED: 'It failed: see `error`. Request it again for the rest.',
};

const RevocationStateEnum = builder.enumType('RevocationState', {
  description: 'The state of a revocation.',
  values: Object.fromEntries(
    revocationStates.map((state) => [state, { value: state, description: stateDescriptions[state] }]),
  ) as Record<RevocationState, { value: RevocationState; description: string }>,
});

export const Revocation = builder.prismaObject('Revocation', {
  access: 'parent',
  description:
    'The end of many sessions, which an administrator has requested and a server works on in the background: see ' +
    '`revokeSessions`. Visible to administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('Revocation', id),
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When it was requested. Only sessions that started before end.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was done, cancelled or failed. Null before.',
    }),
    state: t.field({
      type: RevocationStateEnum,
      description: 'The state.',
      // Only this server writes the column.
      resolve: ({ state }) => state as RevocationState,
    }),
    requestedBy: t.field({
      type: User,
      nullable: true,
      description: 'The administrator who requested it. Null after their account is deleted.',
      resolve: ({ requestedById }, _args, { loaders }) => loaders.user(requestedById),
    }),
    filter: t.field({
      type: 'JSON',
      description: 'The conditions of the request, with row IDs of users. Without any, it is for all sessions.',
      resolve: ({ filter }) => JSON.parse(filter),
    }),
    isDryRun: t.exposeBoolean('isDryRun', { description: 'Whether the sessions are only counted.' }),
    examined: t.exposeInt('examined', { description: 'The number of sessions that were examined so far.' }),
    matched: t.exposeInt('matched', {
      description: 'The number of sessions that were ended so far. With `isDryRun`, that would be ended.',
    }),
    progress: t.float({
      description: 'The part of the sessions that was examined, from 0 to 1, estimated from their IDs.',
      resolve: ({ state, cursor, upToId }) => (state === 'DONE' || upToId === 0n ? 1 : Number(cursor) / Number(upToId)),
    }),
    error: t.exposeString('error', { nullable: true, description: 'Why it failed. Null if it did not.' }),
  }),
});

const RevocationConnection = builder.connectionObject(
  { type: Revocation, name: 'RevocationConnection', description: 'A page of revocations.' },
  { description: 'A revocation on a page.' },
);

builder.queryField('revocation', (t) =>
  t.field({
    type: Revocation,
    nullable: true,
    access: 'admin',
    description: 'The revocation with this ID. Null if there is none. Only for administrators.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of the revocation.' }) },
    resolve: (_root, { id }, { database }) => {
      const node = parseNodeId(id, database);
      return node?.type === 'Revocation' ? database.revocation.findUnique({ where: { id: node.id } }) : null;
    },
  }),
);

builder.queryField('revocations', (t) =>
  t.prismaConnection(
    {
      type: Revocation,
      cursor: 'id',
      nullable: true,
      semanticNonNull: true,
      description: 'All revocations, newest first. Only for administrators.',
      complexity: pageComplexity,
      access: 'admin',
      resolve: (query, _root, args, { database }) =>
        database.revocation.findMany(newestFirst(query, args, database, {})),
      totalCount: (_root, _args, { database }) => database.revocation.count(),
    },
    RevocationConnection,
  ),
);
