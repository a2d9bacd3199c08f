import { InvalidCredentialsError, notSignedIn, ValidationError } from '../errors.ts';
import type { Session as SessionRow } from '../sessions/session.ts';
import { reauthenticate } from '../sessions/step-up.ts';
import { changePassword } from '../users/change-password.ts';
import type { User as UserRow } from '../users/user.ts';
import { builder } from './builder.ts';
import type { Caller } from './context.ts';
import { passwordCheck } from './limits.ts';
import { Session } from './session.ts';
import { User } from './user.ts';

const ReauthenticateSuccess = builder.objectRef<{ session: SessionRow }>('ReauthenticateSuccess').implement({
  description: 'The password was proved again.',
  fields: (t) => ({
    session: t.expose('session', { type: Session, description: 'The current session, with its new authenticatedAt.' }),
  }),
});

const ViewerPayload = builder.objectRef<{ viewer: UserRow }>('ViewerPayload').implement({
  description: 'The signed-in user, changed.',
  fields: (t) => ({
    viewer: t.expose('viewer', { type: User, description: 'The signed-in user as they are now.' }),
  }),
});

builder.mutationField('reauthenticate', (t) =>
  t.field({
    type: ReauthenticateSuccess,
    nullable: true,
    complexity: passwordCheck,
    errors: {
      types: [InvalidCredentialsError],
      union: { name: 'ReauthenticateResult', description: 'What became of `reauthenticate`.' },
    },
    description:
      'Proves the password again, for what refuses with ReauthenticationRequiredError where that was too long ago.',
    args: { password: t.arg.string({ required: true, description: 'The password of the signed-in user.' }) },
    resolve: async (_root, { password }, { caller, config, database, now }) => {
      const session = await reauthenticate(database, requireSignedIn(caller), password, config.passwords, now());
      caller.update(session);
      return { session };
    },
  }),
);

builder.mutationField('changePassword', (t) =>
  t.field({
    type: ViewerPayload,
    nullable: true,
    complexity: passwordCheck,
    errors: {
      types: [InvalidCredentialsError, ValidationError],
      union: { name: 'ChangePasswordResult', description: 'What became of `changePassword`.' },
    },
    description: 'Gives the signed-in user a new password, and ends all their other sessions.',
    args: {
      currentPassword: t.arg.string({ required: true, description: 'The password until now.' }),
      newPassword: t.arg.string({
        required: true,
        description: 'Any Unicode, up to 256 characters; at least 15 unless the server is configured otherwise.',
      }),
    },
    resolve: async (_root, { currentPassword, newPassword }, { caller, config, database, now }) => {
      const session = requireSignedIn(caller);
      const passwords = { current: currentPassword, new: newPassword };
      const at = now();
      const viewer = await changePassword(database, session.user, passwords, session.id, config.passwords, at);
      caller.update({ ...session, authenticatedAt: at }, viewer);
      return { viewer };
    },
  }),
);

/** @throws RequestError when nobody is signed in. */
function requireSignedIn({ session }: Caller): SessionRow & { user: UserRow } {
  if (!session?.user) throw notSignedIn();
  return { ...session, user: session.user };
}
