import { type DeletedUser, deleteAccount } from '../../accounts/deletion.ts';
import { changeUsername } from '../../accounts/profile/change-username.ts';
import { updateProfile } from '../../accounts/profile/update-profile.ts';
import {
  InvalidCredentialsError,
  LastAdministratorError,
  RateLimitedError,
  UsernameTakenError,
  ValidationError,
} from '../../errors.ts';
import { requireUser } from '../../scope.ts';
import { builder } from '../builder.ts';
import { passwordCheck } from '../plugins/limits.ts';
import { ViewerPayload } from '../types/viewer-payload.ts';
import { changed } from './email.ts';
import { toGlobalId } from './sessions/end-sessions.ts';

export const DeleteUserPayload = builder.objectRef<DeletedUser>('DeleteUserPayload').implement({
  access: 'parent',
  description: 'The result of deleting an account with all its data.',
  fields: (t) => ({
    deletedUserId: t.globalID({
      description: 'The ID of the deleted user. IDs are never reused.',
      resolve: ({ id }) => ({ id: String(id), type: 'User' }),
    }),
    revokedSessionIds: t.globalIDList({
      description: 'The IDs of the sessions that ended with the account.',
      resolve: ({ sessions }) => sessions.map(toGlobalId),
    }),
  }),
});

builder.mutationField('updateProfile', (t) =>
  t.field({
    access: 'user',
    type: ViewerPayload,
    errors: { types: [ValidationError] },
    description: 'Changes the name of the signed-in user.',
    args: {
      name: t.arg.string({
        description: 'The display name, up to 200 characters. Null, or no value, removes the name.',
      }),
    },
    resolve: async (_root, { name }, { caller, database }) => {
      return changed(caller, await updateProfile(database, requireUser(caller.scope), { name: name ?? null }));
    },
  }),
);

builder.mutationField('changeUsername', (t) =>
  t.field({
    access: 'user',
    type: ViewerPayload,
    errors: { types: [ValidationError, UsernameTakenError, RateLimitedError] },
    description:
      'Gives the signed-in user another username. The one before stays reserved for the user for 30 days. A mail ' +
      'notifies the user. Fails with `BAD_USER_INPUT` on a server without usernames.',
    args: {
      username: t.arg.string({
        description:
          'The new username: 3 to 32 letters of one script, digits and `.` `_` `-`. Case does not matter. Null, or no ' +
          'value, removes the username.',
      }),
    },
    resolve: async (_root, { username = null }, { caller, config, database }) => {
      return changed(caller, await changeUsername(database, requireUser(caller.scope), username, config));
    },
  }),
);

builder.mutationField('deleteAccount', (t) =>
  t.field({
    access: 'user',
    type: DeleteUserPayload,
    complexity: passwordCheck,
    errors: { types: [InvalidCredentialsError, LastAdministratorError, RateLimitedError] },
    description:
      'Deletes the account of the signed-in user with its sessions, permanently. A mail notifies the user. The ' +
      'application deletes its own data about the user itself.',
    args: { password: t.arg.string({ required: true, description: 'The password of the signed-in user.' }) },
    resolve: async (_root, { password }, { caller, config, database }) => {
      const deleted = await deleteAccount(database, requireUser(caller.scope), password, config);
      caller.signOut();
      return deleted;
    },
  }),
);
