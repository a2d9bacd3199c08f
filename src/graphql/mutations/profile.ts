import { type DeletedUser, deleteAccount } from '../../accounts/deletion.ts';
import { InvalidCredentialsError, LastAdministratorError, RateLimitedError, ValidationError } from '../../errors.ts';
import { requireUser } from '../../scope.ts';
import { updateProfile } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { passwordCheck } from '../plugins/limits.ts';
import { ViewerPayload } from '../types/viewer-payload.ts';
import { changed } from './email.ts';
import { toGlobalId } from './end-sessions.ts';

export const DeleteUserPayload = builder.objectRef<DeletedUser>('DeleteUserPayload').implement({
  access: 'parent',
  description: 'The account is gone, with all that belonged to it.',
  fields: (t) => ({
    deletedUserId: t.globalID({
      description: 'The user, whose id is nobody’s again.',
      resolve: ({ id }) => ({ id: String(id), type: 'User' }),
    }),
    revokedSessionIds: t.globalIDList({
      description: 'The sessions that were live until then.',
      resolve: ({ sessions }) => sessions.map(toGlobalId),
    }),
  }),
});

builder.mutationField('updateProfile', (t) =>
  t.field({
    access: 'user',
    type: ViewerPayload,
    errors: { types: [ValidationError] },
    description: 'Gives the signed-in user another name.',
    args: { name: t.arg.string({ description: 'Up to 200 characters. Null, or nothing, takes the name away.' }) },
    resolve: async (_root, { name }, { caller, database }) => {
      const { user } = requireUser(caller.scope).session;
      return changed(caller, await updateProfile(database, user.id, { name: name ?? null }));
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
      'Deletes the account of the signed-in user with its sessions, for good. They are told by mail. What the ' +
      'application keeps about them is the application’s to delete.',
    args: { password: t.arg.string({ required: true, description: 'The password of the signed-in user.' }) },
    resolve: async (_root, { password }, { caller, config, database }) => {
      const deleted = await deleteAccount(database, requireUser(caller.scope), password, config);
      caller.signOut();
      return deleted;
    },
  }),
);
