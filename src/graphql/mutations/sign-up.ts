import { confirmSignUp, requestSignUp, signUp } from '../../accounts/sign-up.ts';
import {
  EmailTakenError,
  InvalidCredentialsError,
  RateLimitedError,
  TokenInvalidError,
  ValidationError,
} from '../../errors.ts';
import { builder } from '../builder.ts';
import { passwordCheck } from '../plugins/limits.ts';
import { MailRequestPayload } from '../types/mail-request-payload.ts';
import { SignInPayload, signIn, transportArgument } from './sign-in.ts';

export const newPasswordDescription =
  'Any Unicode, up to 256 characters; at least 15 unless the server is configured otherwise. Not one that everybody uses.';

const SignUpResult = builder.errorUnion('SignUpResult', {
  description: 'Result of `signUp`.',
  types: [SignInPayload, MailRequestPayload, EmailTakenError, ValidationError, RateLimitedError],
});

builder.mutationField('signUp', (t) =>
  t.field({
    access: 'public',
    type: SignUpResult,
    complexity: passwordCheck,
    description:
      'Makes an account and signs its user in. The session that the request came with ends; if it was anonymous, its ' +
      'data goes on in the new one. Mail with a link proves the address. A server that keeps to itself who has an ' +
      'account answers MailRequestPayload to everybody, and makes the account by `confirmSignUp`.',
    args: {
      email: t.arg.string({ required: true, description: 'An email address. Case does not matter.' }),
      password: t.arg.string({ required: true, description: newPasswordDescription }),
      name: t.arg.string({ description: 'What the user is called, up to 200 characters.' }),
      transport: t.arg(transportArgument),
    },
    resolve: async (_root, { email, password, name, transport }, { caller, config, database }) => {
      const { scope } = caller;
      const input = { email, password, name };
      if (config.isSignUpPrivate) return { email: await requestSignUp(database, scope, input, config) };
      const request = { ...input, transport, visitor: await caller.findVisitor() };
      return signIn(caller, await signUp(database, scope, request, config));
    },
  }),
);

builder.mutationField('confirmSignUp', (t) =>
  t.field({
    access: 'public',
    type: SignInPayload,
    complexity: passwordCheck,
    errors: { types: [TokenInvalidError, InvalidCredentialsError, RateLimitedError] },
    description:
      'Makes the account that `signUp` asked for, where the server answered it with MailRequestPayload, and signs its user ' +
      'in. The link proves the address, and the password that it was the same person who asked.',
    args: {
      token: t.arg.string({ required: true, description: 'From the link in the mail.' }),
      password: t.arg.string({ required: true, description: 'The password that was given to `signUp`.' }),
      transport: t.arg(transportArgument),
    },
    resolve: async (_root, { token, password, transport }, { caller, config, database }) => {
      const input = { token, password, transport, visitor: await caller.findVisitor() };
      return signIn(caller, await confirmSignUp(database, caller.scope, input, config));
    },
  }),
);
