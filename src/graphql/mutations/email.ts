import { confirmEmailChange, requestEmailChange, requestEmailVerification, verifyEmail } from '../../accounts/email.ts';
import { undoChange } from '../../accounts/undo/undo-change.ts';
import {
  EmailTakenError,
  InvalidCredentialsError,
  RateLimitedError,
  TokenInvalidError,
  ValidationError,
} from '../../errors.ts';
import { requireUser } from '../../scope.ts';
import type { User } from '../../users/user.ts';
import { builder } from '../builder.ts';
import type { Caller, Context } from '../context.ts';
import { mutationCost, passwordCheck } from '../plugins/limits.ts';
import { MailRequestPayload } from '../types/mail-request-payload.ts';
import { ViewerPayload } from '../types/viewer-payload.ts';
import { signOutIfOver } from './sessions/end-sessions.ts';

builder.mutationField('requestEmailVerification', (t) =>
  t.field({
    access: 'user',
    type: MailRequestPayload,
    description:
      'Mails the signed-in user a link to verify the email address. The link works once, within a week, and voids ' +
      'older links. If the address is verified already, the server sends no mail. `signUp` sends this link too.',
    resolve: async (_root, _args, context) => {
      const scope = requireUser(context.caller.scope);
      await requestEmailVerification(context.database, scope);
      return { email: scope.session.user.email };
    },
  }),
);

const tokenArgument = { required: true, description: 'The token from the mailed link.' } as const;

const linkPasswordArgument = {
  description: 'The password of the account. Not needed in a session of the same user.',
} as const;

const followedBy =
  'The link counts only in a session of its user, or with the password of the account. Otherwise the result is ' +
  'InvalidCredentialsError, and the link stays usable. So the owner of a mailbox does not verify an account that ' +
  'another person created.';

/** Returns the complexity of following a link: with a password, that of a password check. */
function linkComplexity(args: { password?: string | null | undefined }, context: Context): number {
  return (args.password == null ? mutationCost : passwordCheck)(args, context);
}

builder.mutationField('verifyEmail', (t) =>
  t.field({
    access: 'public',
    type: ViewerPayload,
    complexity: linkComplexity,
    errors: { types: [TokenInvalidError, InvalidCredentialsError, RateLimitedError] },
    description: `Verifies an email address by a mailed link. ${followedBy}`,
    args: { token: t.arg.string(tokenArgument), password: t.arg.string(linkPasswordArgument) },
    resolve: async (_root, { token, password }, context) => {
      const link = { token, password: password ?? null };
      const { caller, database, config } = context;
      return changed(caller, await verifyEmail(database, caller.scope, link, config));
    },
  }),
);

builder.mutationField('requestEmailChange', (t) =>
  t.field({
    access: 'user',
    type: MailRequestPayload,
    complexity: passwordCheck,
    errors: { types: [InvalidCredentialsError, ValidationError, RateLimitedError] },
    description:
      'Mails a link to the new address, and a notice to the current one. The link works once, within an hour. The ' +
      'address changes only when the user follows the link.',
    args: {
      newEmail: t.arg.string({ required: true, description: 'The new email address. Case does not matter.' }),
      password: t.arg.string({ required: true, description: 'The password of the signed-in user.' }),
    },
    resolve: async (_root, input, context) => {
      const { caller, database, config } = context;
      return { email: await requestEmailChange(database, requireUser(caller.scope), input, config) };
    },
  }),
);

builder.mutationField('confirmEmailChange', (t) =>
  t.field({
    access: 'public',
    type: ViewerPayload,
    complexity: linkComplexity,
    errors: { types: [TokenInvalidError, EmailTakenError, InvalidCredentialsError, RateLimitedError] },
    description:
      'Changes the email address of a user by the link that was mailed to the new address. A mail notifies the old ' +
      `address. ${followedBy}`,
    args: { token: t.arg.string(tokenArgument), password: t.arg.string(linkPasswordArgument) },
    resolve: async (_root, { token, password }, context) => {
      const link = { token, password: password ?? null };
      const { caller, database, config } = context;
      return changed(caller, await confirmEmailChange(database, caller.scope, link, config));
    },
  }),
);

const UndoChangePayload = builder.objectRef<User>('UndoChangePayload').implement({
  access: 'parent',
  description: 'The account after the undo. All its sessions have ended, and nobody is signed in.',
  fields: (t) => ({
    email: t.exposeString('email', { description: 'The restored address, to which the link was mailed.' }),
    hasPassword: t.boolean({
      description:
        'Whether the password from before the change is restored. If false, the account has none: the user chooses one ' +
        'by the link in the mail about the undo, or by `requestPasswordReset`.',
      resolve: ({ hashedPassword }) => hashedPassword !== null,
    }),
    hasSecondFactor: t.boolean({
      description:
        'Whether the user has turned the second factor on. If it belongs to another person, an administrator can reset it.',
      resolve: ({ secondFactorSince }) => secondFactorSince !== null,
    }),
  }),
});

builder.mutationField('undoChange', (t) =>
  t.field({
    access: 'public',
    type: UndoChangePayload,
    complexity: passwordCheck,
    errors: { types: [TokenInvalidError, EmailTakenError, InvalidCredentialsError, RateLimitedError] },
    description:
      'Undoes a change of the email address, the password or a factor by the link that was mailed to the address from ' +
      'before it, within 72 hours. All later changes are undone too. The account has its earlier address, password and ' +
      'factors again, all its sessions and other links end, and mails notify both addresses. The link works once, and ' +
      'signs nobody in. Send it only after a click: some mail filters open links. InvalidCredentialsError if it needs ' +
      'the password: send it again with that.',
    args: {
      token: t.arg.string(tokenArgument),
      password: t.arg.string({
        description:
          'The password from before the change. Needed if the undo changes factors of an account that has a second ' +
          'factor by now. Otherwise a reader of the mailbox could remove it.',
      }),
      keepFactors: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Whether the factors stay as they are now, for a user who does not have the password from before. An ' +
          'administrator can reset them then.',
      }),
    },
    resolve: async (_root, { token, password, keepFactors }, { caller, database, config }) => {
      const input = { token, password: password ?? null, keepsFactors: keepFactors };
      const { user, sessions } = await undoChange(database, caller.scope, input, config);
      signOutIfOver(caller, sessions);
      return user;
    },
  }),
);

/** Updates the caller if it is the changed user, for example by a mailed link. */
export function changed(caller: Caller, viewer: User): { viewer: User } {
  const { session } = caller.scope;
  if (session?.userId === viewer.id) caller.update(session, viewer);
  return { viewer };
}
