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
import { signOutIfOver, toGlobalId } from './end-sessions.ts';
import { DeleteUserPayload } from './profile.ts';

const UserPayload = builder.objectRef<Administered>('UserPayload').implement({
  access: 'parent',
  description: 'What an administrator did is done.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'user' in value,
  fields: (t) => ({
    user: t.expose('user', { type: User, description: 'The user as they are now.' }),
    revokedSessionIds: t.globalIDList({
      description: 'The sessions that ended by it. Empty where none did.',
      resolve: ({ sessions }) => sessions.map(toGlobalId),
    }),
  }),
});

const UserResult = builder.errorUnion('UserResult', {
  description: 'Result of `setUserRole`, `suspendUser`, `reinstateUser` and `revokeUserSessions`.',
  types: [UserPayload, UserNotFoundError, ValidationError, LastAdministratorError, ReauthenticationRequiredError],
});

const idArgument = { required: true, description: 'The `id` of the user.' } as const;
const forAdministrators = 'For administrators who proved the password a short while ago.';

/** Which user is meant. @throws UserNotFoundError for what is no id of a user. */
function userIdOf(id: string): number {
  const node = parseNodeId(id);
  if (node?.type !== 'User') throw new UserNotFoundError();
  return node.id;
}

/** Takes over what an administrator's act changed of the caller, who may be the user that it was done to. */
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
      `Makes an account for somebody, and mails them a link to choose a password. ${forAdministrators} Nobody chooses a ` +
      'password for somebody else.',
    args: {
      email: t.arg.string({ required: true, description: 'Their address. Case does not matter.' }),
      name: t.arg.string({ description: 'What they are called, up to 200 characters.' }),
      role: t.arg.string({ description: 'What they are to the application; `user` if not said.' }),
    },
    resolve: (_root, { email, name, role }, { caller, database }) =>
      inviteUser(database, caller.scope, { email, name, role: role ?? undefined }),
  }),
);

builder.mutationField('setUserRole', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserResult,
    description: `Gives a user another role, which holds from their very next request on. ${forAdministrators}`,
    args: {
      id: t.arg.id(idArgument),
      role: t.arg.string({ required: true, description: 'The new role: 1 to 50 of a-z, A-Z, 0-9 and _.:-.' }),
    },
    resolve: async (_root, { id, role }, context) => {
      const { caller, database, config } = context;
      return settled(context, await setUserRole(database, caller.scope, { id: userIdOf(id), role }, config.adminRoles));
    },
  }),
);

builder.mutationField('suspendUser', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserResult,
    description: `Ends all sessions of a user, and keeps them from signing in until they are reinstated. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => {
      const { caller, database, config } = context;
      return settled(context, await suspendUser(database, caller.scope, userIdOf(id), config.adminRoles));
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
      settled(context, await reinstateUser(context.database, context.caller.scope, userIdOf(id))),
  }),
);

builder.mutationField('revokeUserSessions', (t) =>
  t.field({
    access: 'recentAdmin',
    type: UserResult,
    description: `Ends all sessions of a user, who may sign in again. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) =>
      settled(context, await revokeUserSessions(context.database, context.caller.scope, userIdOf(id))),
  }),
);

builder.mutationField('deleteUser', (t) =>
  t.field({
    access: 'recentAdmin',
    type: DeleteUserPayload,
    errors: { types: [UserNotFoundError, LastAdministratorError, ReauthenticationRequiredError] },
    description: `Deletes a user with all sessions, for good. They are told by mail. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => {
      const { caller, database, config } = context;
      const deleted = await deleteUser(database, caller.scope, userIdOf(id), config.adminRoles);
      signOutIfOver(caller, deleted.sessions);
      return deleted;
    },
  }),
);
