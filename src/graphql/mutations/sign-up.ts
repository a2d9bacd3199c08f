import { confirmSignUp, requestSignUp, signUp } from '../../accounts/sign-up.ts';
import {
  EmailTakenError,
  InvalidCredentialsError,
  ProofOfWorkRequiredError,
  RateLimitedError,
  TokenInvalidError,
  UsernameTakenError,
  ValidationError,
} from '../../errors.ts';
import { builder } from '../builder.ts';
import { passwordCheck } from '../plugins/limits.ts';
import { SecondFactorEnrolmentRequired } from '../types/factors/second-factor.ts';
import { MailRequestPayload } from '../types/mail-request-payload.ts';
import {
  proofOfWorkArgument,
  rememberArgument,
  requestSession,
  SignInPayload,
  toResult,
  transportArgument,
} from './sign-in.ts';

export const newPasswordDescription =
  'Any Unicode text of up to 256 characters. The minimum is 15 characters, unless the server is configured ' +
  'otherwise. The server refuses common passwords.';

const SignUpResult = builder.errorUnion('SignUpResult', {
  description: 'Result of `signUp`.',
  types: [
    SignInPayload,
    SecondFactorEnrolmentRequired,
    MailRequestPayload,
    EmailTakenError,
    UsernameTakenError,
    ValidationError,
    RateLimitedError,
    ProofOfWorkRequiredError,
  ],
});

builder.mutationField('signUp', (t) =>
  t.field({
    access: 'public',
    type: SignUpResult,
    complexity: passwordCheck,
    description:
      'Creates an account and signs its user in. The session of the request ends; if it was anonymous, the new ' +
      'session keeps its data. A mailed link verifies the address. A server that hides which accounts exist returns ' +
      '`MailRequestPayload` to every caller, and `confirmSignUp` creates the account.',
    args: {
      email: t.arg.string({ required: true, description: 'The email address of the account. Case does not matter.' }),
      password: t.arg.string({ required: true, description: newPasswordDescription }),
      name: t.arg.string({ description: 'The display name, up to 200 characters.' }),
      username: t.arg.string({ description: 'The username, on a server that has usernames. See `changeUsername`.' }),
      transport: t.arg(transportArgument),
      remember: t.arg.boolean(rememberArgument),
      proofOfWork: t.arg.string(proofOfWorkArgument),
    },
    resolve: async (_root, { transport, remember, ...input }, { caller, config, database }) => {
      const { scope } = caller;
      if (config.isSignUpPrivate) return { email: await requestSignUp(database, scope, input, config) };
      const request = { ...input, ...(await requestSession(caller, { transport, remember })) };
      return toResult(caller, await signUp(database, scope, request, config));
    },
  }),
);

const ConfirmSignUpResult = builder.errorUnion('ConfirmSignUpResult', {
  description: 'Result of `confirmSignUp`.',
  types: [SignInPayload, SecondFactorEnrolmentRequired, TokenInvalidError, InvalidCredentialsError, RateLimitedError],
});

builder.mutationField('confirmSignUp', (t) =>
  t.field({
    access: 'public',
    type: ConfirmSignUpResult,
    complexity: passwordCheck,
    description:
      'Creates the account for which `signUp` returned `MailRequestPayload`, and signs its user in. The link ' +
      'verifies the address. The password proves that the same person signed up.',
    args: {
      token: t.arg.string({ required: true, description: 'The token from the mailed link.' }),
      password: t.arg.string({ required: true, description: 'The password from `signUp`.' }),
      transport: t.arg(transportArgument),
      remember: t.arg.boolean(rememberArgument),
    },
    resolve: async (_root, { token, password, ...wanted }, { caller, config, database }) => {
      const input = { token, password, ...(await requestSession(caller, wanted)) };
      return toResult(caller, await confirmSignUp(database, caller.scope, input, config));
    },
  }),
);
