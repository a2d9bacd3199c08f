import { confirmEmailChange, requestEmailChange, requestEmailVerification, verifyEmail } from '../../accounts/email.ts';
import type { LinkRequest } from '../../accounts/follow-link.ts';
import {
  EmailTakenError,
  InvalidCredentialsError,
  RateLimitedError,
  TokenInvalidError,
  ValidationError,
} from '../../errors.ts';
import type { User } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { type Context, originOf, requireSignedIn } from '../context.ts';
import { mutationCost, passwordCheck } from '../plugins/limits.ts';
import { RequestedPayload } from '../types/requested.ts';
import { ViewerPayload } from '../types/viewer-payload.ts';

builder.mutationField('requestEmailVerification', (t) =>
  t.field({
    audience: 'signedIn',
    type: RequestedPayload,
    nullable: true,
    description:
      'Mails the signed-in user a link that proves the address to be theirs, which is good for a week and works once. ' +
      'Older links are void. Nothing is sent where it is proved already. `signUp` does this by itself.',
    resolve: async (_root, _args, context) => {
      const { user } = requireSignedIn(context);
      await requestEmailVerification(context.database, user, context.now());
      return { email: user.email };
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

function linkRequestOf(context: Context): LinkRequest {
  const { caller, config, now } = context;
  return { policies: config, origin: originOf(context), deviceToken: caller.deviceToken, now: now() };
}

builder.mutationField('verifyEmail', (t) =>
  t.field({
    audience: 'everybody',
    type: ViewerPayload,
    nullable: true,
    complexity: linkComplexity,
    errors: {
      types: [TokenInvalidError, InvalidCredentialsError, RateLimitedError],
      union: { name: 'VerifyEmailResult', description: 'What became of `verifyEmail`.' },
    },
    description: `Notes that an address is its user’s, by a link that was mailed to it. ${followedBy}`,
    args: { token: t.arg.string(tokenArgument), password: t.arg.string(linkPasswordArgument) },
    resolve: async (_root, { token, password }, context) => {
      const link = { token, password: password ?? null };
      const viewer = await verifyEmail(context.database, link, linkRequestOf(context));
      return changed(context, viewer);
    },
  }),
);

builder.mutationField('requestEmailChange', (t) =>
  t.field({
    audience: 'signedIn',
    type: RequestedPayload,
    nullable: true,
    complexity: passwordCheck,
    errors: {
      types: [InvalidCredentialsError, ValidationError, RateLimitedError],
      union: { name: 'RequestEmailChangeResult', description: 'What became of `requestEmailChange`.' },
    },
    description:
      'Mails a link to the address that the signed-in user wants to have, which is good for an hour and works once, and ' +
      'word of it to the one that they have. Nothing changes before the link is followed.',
    args: {
      newEmail: t.arg.string({ required: true, description: 'The new address. Case does not matter.' }),
      password: t.arg.string({ required: true, description: 'The password of the signed-in user.' }),
    },
    resolve: async (_root, input, context) => {
      const { user, origin } = requireSignedIn(context);
      const { database, config, now } = context;
      return { email: await requestEmailChange(database, user, input, config, origin, now()) };
    },
  }),
);

builder.mutationField('confirmEmailChange', (t) =>
  t.field({
    audience: 'everybody',
    type: ViewerPayload,
    nullable: true,
    complexity: linkComplexity,
    errors: {
      types: [TokenInvalidError, EmailTakenError, InvalidCredentialsError, RateLimitedError],
      union: { name: 'ConfirmEmailChangeResult', description: 'What became of `confirmEmailChange`.' },
    },
    description: `Gives a user the address that the link was mailed to, and tells the old one. ${followedBy}`,
    args: { token: t.arg.string(tokenArgument), password: t.arg.string(linkPasswordArgument) },
    resolve: async (_root, { token, password }, context) => {
      const link = { token, password: password ?? null };
      const viewer = await confirmEmailChange(context.database, link, linkRequestOf(context));
      return changed(context, viewer);
    },
  }),
);

/** A user who was changed by a link, which the caller may or may not be. */
export function changed({ caller }: Context, viewer: User): { viewer: User } {
  if (caller.session?.userId === viewer.id) caller.update(caller.session, viewer);
  return { viewer };
}
