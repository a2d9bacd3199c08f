import { changePassword } from '../accounts/change-password.ts';
import { reauthenticate } from '../accounts/reauthenticate.ts';
import { requestPasswordReset, resetPassword } from '../accounts/reset-password.ts';
import {
  InvalidCredentialsError,
  RateLimitedError,
  RequestError,
  TokenInvalidError,
  ValidationError,
} from '../errors.ts';
import type { Session as SessionRow } from '../sessions/session.ts';
import { normalizeEmail } from '../users/email.ts';
import { builder } from './builder.ts';
import { originOf, requireSignedIn } from './context.ts';
import { passwordCheck } from './limits.ts';
import { LoginSuccess, signIn, startOptions, transportArgument } from './login.ts';
import { RequestedPayload } from './requested.ts';
import { Session } from './session.ts';
import { newPasswordDescription } from './sign-up.ts';
import { ViewerPayload } from './viewer-payload.ts';

const ReauthenticateSuccess = builder.objectRef<{ session: SessionRow }>('ReauthenticateSuccess').implement({
  audience: 'holders',
  description: 'The password was proved again.',
  fields: (t) => ({
    session: t.expose('session', { type: Session, description: 'The current session, with its new authenticatedAt.' }),
  }),
});

builder.mutationField('reauthenticate', (t) =>
  t.field({
    audience: 'signedIn',
    type: ReauthenticateSuccess,
    nullable: true,
    complexity: passwordCheck,
    errors: {
      types: [InvalidCredentialsError, RateLimitedError],
      union: { name: 'ReauthenticateResult', description: 'What became of `reauthenticate`.' },
    },
    description:
      'Proves the password again, for what refuses with ReauthenticationRequiredError where that was too long ago.',
    args: { password: t.arg.string({ required: true, description: 'The password of the signed-in user.' }) },
    resolve: async (_root, { password }, context) => {
      const { caller, config, database, now } = context;
      const { user, origin } = requireSignedIn(context);
      const session = await reauthenticate(database, user, password, config, origin, now());
      caller.update(session);
      return { session };
    },
  }),
);

builder.mutationField('changePassword', (t) =>
  t.field({
    audience: 'signedIn',
    type: ViewerPayload,
    nullable: true,
    complexity: passwordCheck,
    errors: {
      types: [InvalidCredentialsError, ValidationError, RateLimitedError],
      union: { name: 'ChangePasswordResult', description: 'What became of `changePassword`.' },
    },
    description: 'Gives the signed-in user a new password, and ends all their other sessions. They are told by mail.',
    args: {
      currentPassword: t.arg.string({ required: true, description: 'The password until now.' }),
      newPassword: t.arg.string({ required: true, description: newPasswordDescription }),
    },
    resolve: async (_root, { currentPassword, newPassword }, context) => {
      const { caller, config, database, now } = context;
      const { user, origin } = requireSignedIn(context);
      const at = now();
      const passwords = { current: currentPassword, new: newPassword };
      const viewer = await changePassword(database, user, passwords, config, origin, caller.deviceToken, at);
      if (caller.session) caller.update({ ...caller.session, authenticatedAt: at }, viewer);
      return { viewer };
    },
  }),
);

builder.mutationField('requestPasswordReset', (t) =>
  t.field({
    audience: 'everybody',
    type: RequestedPayload,
    nullable: true,
    description:
      'Mails the user with this address a link to choose a new password, which is good for an hour and works once. Older ' +
      'links are void.',
    args: { email: t.arg.string({ required: true, description: 'The address of the account. Case does not matter.' }) },
    resolve: async (_root, { email: address }, context) => {
      const email = normalizeEmail(address);
      if (email === null)
        throw new RequestError('BAD_USER_INPUT', 'The email must be an address such as ada@example.com.');
      await requestPasswordReset(
        context.database,
        address.trim(),
        context.config.attempts,
        originOf(context),
        context.now(),
      );
      return { email };
    },
  }),
);

builder.mutationField('resetPassword', (t) =>
  t.field({
    audience: 'everybody',
    type: LoginSuccess,
    nullable: true,
    complexity: passwordCheck,
    errors: {
      types: [TokenInvalidError, ValidationError, RateLimitedError],
      union: { name: 'ResetPasswordResult', description: 'What became of `resetPassword`.' },
    },
    description:
      'Chooses a new password by a link that was mailed, ends all sessions of the user, and signs them in with a new one. ' +
      'It is the same for a first password, where an administrator made the account.',
    args: {
      token: t.arg.string({ required: true, description: 'From the link in the mail.' }),
      newPassword: t.arg.string({ required: true, description: newPasswordDescription }),
      transport: t.arg(transportArgument),
    },
    resolve: async (_root, { token, newPassword, transport }, context) => {
      const { database, config } = context;
      const options = startOptions(context, transport);
      const started = await resetPassword(database, { token, newPassword }, config, options);
      return signIn(context, started, transport);
    },
  }),
);
