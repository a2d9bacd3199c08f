import type { Database } from '../../../database/database.ts';
import { ReauthenticationRequiredError, ValidationError } from '../../../errors.ts';
import { requireUser } from '../../../scope.ts';
import type { RevocationFilter } from '../../../sessions/revocations/filter.ts';
import {
  cancelRevocation,
  type Revocation as RevocationRow,
  requestRevocation,
} from '../../../sessions/revocations/revocation.ts';
import { builder } from '../../builder.ts';
import { notOfUser, parseNodeId, userIdOf } from '../../node-id.ts';
import { Revocation } from '../../types/sessions/revocation.ts';
import { Transport } from '../sign-in.ts';

const maxUserIds = 100;

const RevokeSessionsFilter = builder.inputType('RevokeSessionsFilter', {
  description: 'The sessions to end: those that meet every condition. Give at least one, or `all`.',
  fields: (t) => ({
    all: t.boolean({ description: 'All sessions of all users and visitors. Only without another condition.' }),
    role: t.string({ description: 'Sessions of users with this role.' }),
    userIds: t.idList({ description: `Sessions of these users: at most ${maxUserIds} values of \`id\`.` }),
    createdBefore: t.field({ type: 'DateTime', description: 'Sessions that started before this time.' }),
    lastSeenBefore: t.field({ type: 'DateTime', description: 'Sessions that were last used before this time.' }),
    clientName: t.string({ description: 'Sessions of clients with this `clientName`.' }),
    transport: t.field({ type: Transport, description: 'Sessions with this transport.' }),
  }),
});

const RevocationPayload = builder.objectRef<{ revocation: RevocationRow | null }>('RevocationPayload').implement({
  access: 'parent',
  description: 'A revocation of many sessions.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'revocation' in value,
  fields: (t) => ({
    revocation: t.expose('revocation', {
      type: Revocation,
      nullable: true,
      description: 'The revocation. Ask `revocation(id:)` for its progress. Null if there is none with the ID.',
    }),
  }),
});

builder.mutationField('revokeSessions', (t) =>
  t.field({
    access: 'recentAdmin',
    type: RevocationPayload,
    errors: { types: [ValidationError, ReauthenticationRequiredError] },
    description:
      'Requests the end of many sessions, of all that are live now and match the filter. A server begins within ' +
      'seconds, and works in the background while others are served. Count them by `dryRun: true` first. Only for ' +
      'administrators who proved the identity recently: see `reauthenticate`.',
    args: {
      filter: t.arg({ type: RevokeSessionsFilter, required: true, description: 'The sessions to end.' }),
      dryRun: t.arg.boolean({ required: true, description: 'Whether to count the sessions, and end none.' }),
      includeOwn: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Whether the session of the request may end too.',
      }),
    },
    resolve: async (_root, { filter, dryRun, includeOwn }, { caller, database }) => {
      const request = { filter: toFilter(filter, database), isDryRun: dryRun, includesOwn: includeOwn };
      return { revocation: await requestRevocation(database, requireUser(caller.scope), request) };
    },
  }),
);

builder.mutationField('cancelRevocation', (t) =>
  t.field({
    access: 'admin',
    type: RevocationPayload,
    description:
      'Ends the work on a revocation. The sessions that it has ended stay ended. Does nothing if it is finished. Only ' +
      'for administrators.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of the revocation.' }) },
    resolve: async (_root, { id }, { caller, database }) => {
      const node = parseNodeId(id, database);
      if (node?.type !== 'Revocation') return { revocation: null };
      return { revocation: await cancelRevocation(database, requireUser(caller.scope), node.id) };
    },
  }),
);

/** Returns the filter of the domain. Null for all sessions. @throws ValidationError */
function toFilter(
  { all, ...input }: typeof RevokeSessionsFilter.$inferInput,
  database: Database,
): RevocationFilter | null {
  const { role, userIds, createdBefore, lastSeenBefore, clientName, transport } = input;
  const filter: RevocationFilter = {
    ...(role == null ? {} : { role }),
    ...(userIds == null ? {} : { userIds: toUserIds(userIds, database) }),
    ...(createdBefore == null ? {} : { createdBefore: createdBefore.toISOString() }),
    ...(lastSeenBefore == null ? {} : { lastSeenBefore: lastSeenBefore.toISOString() }),
    ...(clientName == null ? {} : { clientName }),
    ...(transport == null ? {} : { transport }),
  };
  if (!all) return userIds?.length === 0 ? refuse('userIds', 'Give at least one user.') : filter;
  return Object.keys(filter).length === 0 ? null : refuse('all', 'Give either "all" or other conditions.');
}

function toUserIds(ids: string[], database: Database): string[] {
  if (ids.length > maxUserIds) return refuse('userIds', `At most ${maxUserIds} users are allowed.`);
  return ids.map((id) => String(userIdOf(id, database) ?? refuse('userIds', notOfUser)));
}

function refuse(field: string, message: string): never {
  throw new ValidationError([{ path: ['filter', field], message }]);
}
