import { changePassword } from '../../accounts/change-password.ts';
import { requestPasswordReset, resetPassword } from '../../accounts/reset-password.ts';
import {
  InvalidCredentialsError,
  RateLimitedError,
  RequestError,
  TokenInvalidError,
  ValidationError,
} from '../../errors.ts';
import { requireUser, type UserScope } from '../../scope.ts';
import type { RotatedSession } from '../../sessions/rotate.ts';
import type { Session as SessionRow } from '../../sessions/session.ts';
import { normalizeEmail } from '../../users/email.ts';
import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import type { Caller } from '../context.ts';
import { passwordCheck } from '../plugins/limits.ts';
import { SecondFactorEnrolmentRequired, SecondFactorRequired } from '../types/factors/second-factor.ts';
import { MailRequestPayload } from '../types/mail-request-payload.ts';
import { Session } from '../types/sessions/session.ts';
import { User } from '../types/user.ts';
import {
  proofOfWorkArgument,
  rememberArgument,
  requestSession,
  requireTransport,
  SignInPayload,
  toResult,
  transportArgument,
} from './sign-in.ts';
import { newPasswordDescription } from './sign-up.ts';

/** The current session after a rotation, with the new tokens of its client. */
export type Rotated = { session: SessionRow; token: string | null; antiCSRFToken: string | null };

export const sessionDescription = 'The current session, with the new `authenticatedAt`.';
export const tokenDescription =
  'The new bearer token of the session. The server shows it only once and rejects the previous token. Null for a ' +
  'cookie session: the token is in the new cookie.';
export const antiCSRFTokenDescription =
  'The new anti-CSRF token. Send it in the `anti-csrf` header of every mutation. Null for a bearer session, which ' +
  'needs none.';

const ChangePasswordPayload = builder.objectRef<Rotated & { viewer: UserRow }>('ChangePasswordPayload').implement({
  access: 'parent',
  description:
    'The session after a change of the password. It has a new token, and all other sessions of the user have ended.',
  fields: (t) => ({
    viewer: t.expose('viewer', { type: User, description: 'The signed-in user.' }),
    session: t.expose('session', { type: Session, description: sessionDescription }),
    token: t.exposeString('token', { nullable: true, description: tokenDescription }),
    antiCSRFToken: t.exposeString('antiCSRFToken', { nullable: true, description: antiCSRFTokenDescription }),
  }),
});

/** Returns the scope of a user whose session can get a new token. @throws RequestError */
export function requireRotatable(caller: Caller): UserScope {
  const scope = requireUser(caller.scope);
  requireTransport(caller, scope.presentedToken.transport);
  return scope;
}

/** Gives the caller a new token. The token of a cookie session is only in the cookie, where no script can read it. */
export function rotate(caller: Caller, rotated: RotatedSession, user?: UserRow): Rotated {
  caller.rotate(rotated, user);
  const token = caller.scope.presentedToken?.transport === 'BEARER' ? rotated.token : null;
  return { session: rotated.session, token, antiCSRFToken: caller.antiCSRFToken };
}

builder.mutationField('changePassword', (t) =>
  t.field({
    access: 'user',
    type: ChangePasswordPayload,
    complexity: passwordCheck,
    errors: { types: [InvalidCredentialsError, ValidationError, RateLimitedError] },
    description:
      'Changes the password of the signed-in user, gives the current session a new token, and ends all other ' +
      'sessions. A mail notifies the user.',
    args: {
      currentPassword: t.arg.string({ required: true, description: 'The current password.' }),
      newPassword: t.arg.string({ required: true, description: newPasswordDescription }),
    },
    resolve: async (_root, { currentPassword, newPassword }, { caller, config, database }) => {
      const passwords = { current: currentPassword, new: newPassword };
      const changed = await changePassword(database, requireRotatable(caller), passwords, config);
      return { ...rotate(caller, changed, changed.user), viewer: changed.user };
    },
  }),
);

builder.mutationField('requestPasswordReset', (t) =>
  t.field({
    access: 'public',
    type: MailRequestPayload,
    description:
      'Mails the user with this address a link to choose a new password. The link works once, within an hour, and ' +
      'voids older links. After many failed attempts from the address of the request, it fails with ' +
      '`PROOF_OF_WORK_REQUIRED`, and `extensions` has the `challenge`.',
    args: {
      email: t.arg.string({ required: true, description: 'The email address of the account. Case does not matter.' }),
      proofOfWork: t.arg.string(proofOfWorkArgument),
    },
    resolve: async (_root, { email: address, proofOfWork = null }, { caller, config, database }) => {
      const email = normalizeEmail(address);
      if (email === null)
        throw new RequestError('BAD_USER_INPUT', 'The email must be an address such as ada@example.com.');
      await requestPasswordReset(database, caller.scope, { address: address.trim(), proofOfWork }, config);
      return { email };
    },
  }),
);

const ResetPasswordResult = builder.errorUnion('ResetPasswordResult', {
  description: 'Result of `resetPassword`.',
  types: [
    SignInPayload,
    SecondFactorRequired,
    SecondFactorEnrolmentRequired,
    TokenInvalidError,
    ValidationError,
    RateLimitedError,
  ],
});

builder.mutationField('resetPassword', (t) =>
  t.field({
    access: 'public',
    type: ResetPasswordResult,
    complexity: passwordCheck,
    description:
      'Sets a new password by a mailed link, ends all sessions of the user, and signs the user in with a new one. The ' +
      'link does not replace a second factor: with one, `completeLogin` starts the session. Passkeys and other factors ' +
      'stay, and a mail tells the user which, unless nobody had proved the address. It also sets the first password of ' +
      'an account that an administrator created.',
    args: {
      token: t.arg.string({ required: true, description: 'The token from the mailed link.' }),
      newPassword: t.arg.string({ required: true, description: newPasswordDescription }),
      transport: t.arg(transportArgument),
      remember: t.arg.boolean(rememberArgument),
    },
    resolve: async (_root, { token, newPassword, ...wanted }, { caller, config, database }) => {
      const input = { token, newPassword, ...(await requestSession(caller, wanted)) };
      return toResult(caller, await resetPassword(database, caller.scope, input, config));
    },
  }),
);
