import { confirmEmailChange, requestEmailChange, requestEmailVerification, verifyEmail } from '../../accounts/email.ts';
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

builder.mutationField('requestEmailVerification', (t) =>
  t.field({
    access: 'user',
    type: MailRequestPayload,
    description:
      'Mails the signed-in user a link that proves the address to be theirs, which is good for a week and works once. ' +
      'Older links are void. Nothing is sent where it is proved already. `signUp` does this by itself.',
    resolve: async (_root, _args, context) => {
      const scope = requireUser(context.caller.scope);
      await requestEmailVerification(context.database, scope);
      return { email: scope.session.user.email };
    },
  }),
);

const tokenArgument = { required: true, description: 'From the link in the mail.' } as const;

const linkPasswordArgument = {
  description: 'The password of the account. Not needed in a session of the same user.',
} as const;

const followedBy =
  'A link counts only in a session of the user of the account, or with their password; otherwise the answer is ' +
  'InvalidCredentialsError, and the link stays usable. So nobody proves an address for a stranger who gave it as theirs.';

/** The complexity of following a link: that of a password where one is given. */
function linkComplexity(args: { password?: string | null | undefined }, context: Context): number {
  return (args.password == null ? mutationCost : passwordCheck)(args, context);
}

builder.mutationField('verifyEmail', (t) =>
  t.field({
    access: 'public',
    type: ViewerPayload,
    complexity: linkComplexity,
    errors: { types: [TokenInvalidError, InvalidCredentialsError, RateLimitedError] },
    description: `Notes that an address is its user’s, by a link that was mailed to it. ${followedBy}`,
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
      'Mails a link to the address that the signed-in user wants to have, which is good for an hour and works once, and ' +
      'word of it to the one that they have. Nothing changes before the link is followed.',
    args: {
      newEmail: t.arg.string({ required: true, description: 'The new address. Case does not matter.' }),
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
    description: `Gives a user the address that the link was mailed to, and tells the old one. ${followedBy}`,
    args: { token: t.arg.string(tokenArgument), password: t.arg.string(linkPasswordArgument) },
    resolve: async (_root, { token, password }, context) => {
      const link = { token, password: password ?? null };
      const { caller, database, config } = context;
      return changed(caller, await confirmEmailChange(database, caller.scope, link, config));
    },
  }),
);

/** Takes over a user who was changed, by a link for example, where that is the caller. */
export function changed(caller: Caller, viewer: User): { viewer: User } {
  const { session } = caller.scope;
  if (session?.userId === viewer.id) caller.update(session, viewer);
  return { viewer };
}
