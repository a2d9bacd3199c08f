import {
  type Administered,
  deleteUser,
  inviteUser,
  reinstateUser,
  revokeUserSessions,
  setUserRole,
  suspendUser,
} from '../../accounts/administration.ts';
import {
  EmailTakenError,
  LastAdministratorError,
  ReauthenticationRequiredError,
  UserNotFoundError,
  ValidationError,
} from '../../errors.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { parseNodeId } from '../node-id.ts';
import { User } from '../types/user.ts';
import { DeleteUserPayload } from './profile.ts';
import { signOutIfOver, toGlobalId } from './sessions/end-sessions.ts';

const UserPayload = builder.objectRef<Administered>('UserPayload').implement({
  access: 'parent',
  description: 'The user after the administrator’s change.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'user' in value,
  fields: (t) => ({
    user: t.expose('user', { type: User, description: 'The user after the change.' }),
    revokedSessionIds: t.globalIDList({
      description: 'The IDs of the sessions that the change ended. Empty if it ended none.',
      resolve: ({ sessions }) => sessions.map(toGlobalId),
    }),
  }),
});

const UserResult = builder.errorUnion('UserResult', {
  description: 'Result of `setUserRole`, `suspendUser`, `reinstateUser` and `revokeUserSessions`.',
  types: [UserPayload, UserNotFoundError, ValidationError, LastAdministratorError, ReauthenticationRequiredError],
});

const idArgument = { required: true, description: 'The `id` of the user.' } as const;
const forAdministrators = 'Only for administrators who proved the identity recently: see `reauthenticate`.';

/** Returns the row ID of a user. @throws UserNotFoundError for an ID that no user can have. */
function userIdOf(id: string, { database }: Context): bigint {
  const node = parseNodeId(id, database);
  if (node?.type !== 'User') throw new UserNotFoundError();
  return node.id;
}

/** Updates the caller after a change by an administrator, who may have changed their own account. */
function settled({ caller }: Context, administered: Administered): Administered {
  const { user, sessions } = administered;
  signOutIfOver(caller, sessions);
  const { session } = caller.scope;
  if (session?.userId === user.id) caller.update(session, user);
  return administered;
}

builder.mutationField('createUser', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserPayload,
    errors: { types: [EmailTakenError, ValidationError, ReauthenticationRequiredError] },
    description:
      'Creates an account, and mails the user a link to choose a password. No administrator chooses it for the ' +
      `user. ${forAdministrators}`,
    args: {
      email: t.arg.string({ required: true, description: 'The email address of the user. Case does not matter.' }),
      name: t.arg.string({ description: 'The display name, up to 200 characters.' }),
      role: t.arg.string({ description: 'The role of the user. The default is `user`.' }),
    },
    resolve: (_root, { email, name, role }, { caller, database }) =>
      inviteUser(database, caller.scope, { email, name, role: role ?? undefined }),
  }),
);

builder.mutationField('setUserRole', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserResult,
    description:
      'Changes the role of a user. The new role applies from the next request on. If it needs a second factor ' +
      `(\`REQUIRE_SECOND_FACTOR\`), the sessions of the user that lack one end. ${forAdministrators}`,
    args: {
      id: t.arg.id(idArgument),
      role: t.arg.string({
        required: true,
        description: 'The new role: 1 to 50 characters from a-z, A-Z, 0-9 and `_.:-`.',
      }),
    },
    resolve: async (_root, { id, role }, context) => {
      const { caller, database, config } = context;
      return settled(context, await setUserRole(database, caller.scope, { id: userIdOf(id, context), role }, config));
    },
  }),
);

builder.mutationField('suspendUser', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserResult,
    description:
      'Ends all sessions of a user. The user cannot sign in again until an administrator reinstates the account. ' +
      forAdministrators,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => {
      const { caller, database, config } = context;
      return settled(context, await suspendUser(database, caller.scope, userIdOf(id, context), config.adminRoles));
    },
  }),
);

builder.mutationField('reinstateUser', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserResult,
    description: `Lets a suspended user sign in again. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) =>
      settled(context, await reinstateUser(context.database, context.caller.scope, userIdOf(id, context))),
  }),
);

builder.mutationField('revokeUserSessions', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserResult,
    description: `Ends all sessions of a user. The user can sign in again. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) =>
      settled(context, await revokeUserSessions(context.database, context.caller.scope, userIdOf(id, context))),
  }),
);

builder.mutationField('deleteUser', (t) =>
  t.field({
    access: 'recentAdmin',
    type: DeleteUserPayload,
    errors: { types: [UserNotFoundError, LastAdministratorError, ReauthenticationRequiredError] },
    description: `Deletes a user with all sessions, permanently. A mail notifies the user. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => {
      const { caller, database, config } = context;
      const deleted = await deleteUser(database, caller.scope, userIdOf(id, context), config.adminRoles);
      signOutIfOver(caller, deleted.sessions);
      return deleted;
    },
  }),
);
