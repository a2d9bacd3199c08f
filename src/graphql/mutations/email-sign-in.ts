import { signInWithEmailCode } from '../../accounts/email-sign-in/by-code.ts';
import { signInWithEmailLink } from '../../accounts/email-sign-in/by-link.ts';
import { requestEmailSignIn } from '../../accounts/email-sign-in/request.ts';
import {
  AccountSuspendedError,
  ChallengeInvalidError,
  InvalidCredentialsError,
  RateLimitedError,
  RequestError,
  TokenInvalidError,
} from '../../errors.ts';
import type { CreatedChallenge } from '../../tokens/challenge.ts';
import { normalizeEmail } from '../../users/email.ts';
import { builder } from '../builder.ts';
import { passwordCheck, sessionStart } from '../plugins/limits.ts';
import { SecondFactorEnrolmentRequired, SecondFactorRequired } from '../types/factors/second-factor.ts';
import {
  rememberArgument,
  requestSession,
  requireTransport,
  SignInPayload,
  toResult,
  transportArgument,
} from './sign-in.ts';

type Requested = CreatedChallenge & { email: string };

const RequestEmailSignInPayload = builder.objectRef<Requested>('RequestEmailSignInPayload').implement({
  access: 'parent',
  description:
    'A requested sign-in by email. The answer is the same for every address, so it does not tell whether there is such ' +
    'an account.',
  fields: (t) => ({
    challenge: t.exposeString('challenge', {
      description:
        'The secret of this sign-in, for `signInWithEmailCode`. It works once, and grants no access without the code. ' +
        'With cookies, or after an `x-device-token` in this request, it works only on that device. Keep it in memory.',
    }),
    email: t.exposeString('email', { description: 'The address that is mailed.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the challenge, the code and the link expire: ten minutes after the request.',
    }),
  }),
});

builder.mutationField('requestEmailSignIn', (t) =>
  t.field({
    access: 'public',
    type: RequestEmailSignInPayload,
    complexity: sessionStart,
    description:
      'Mails the user with this address a link and a code to sign in, if the server allows that (`EMAIL_SIGN_IN`). If ' +
      'it allows sign-up too (`EMAIL_SIGN_UP`), they create the account of an unknown address. Both are valid for ten ' +
      'minutes, and using one voids the other.',
    args: {
      email: t.arg.string({ required: true, description: 'The email address of the account. Case does not matter.' }),
      transport: t.arg(transportArgument),
    },
    resolve: async (_root, { email: address, transport }, { caller, config, database }) => {
      requireTransport(caller, transport);
      const email = normalizeEmail(address);
      if (email === null)
        throw new RequestError('BAD_USER_INPUT', 'The email must be an address such as ada@example.com.');
      const input = { address: address.trim(), transport };
      const created = await requestEmailSignIn(database, caller.scope, input, config);
      if (created.deviceToken !== null) caller.bindDevice(created.deviceToken, created.expiresAt);
      return { ...created, email };
    },
  }),
);

const signedIn = [
  SignInPayload,
  SecondFactorRequired,
  SecondFactorEnrolmentRequired,
  AccountSuspendedError,
  RateLimitedError,
] as const;

const SignInWithEmailCodeResult = builder.errorUnion('SignInWithEmailCodeResult', {
  description: 'Result of `signInWithEmailCode`.',
  types: [...signedIn, ChallengeInvalidError, InvalidCredentialsError],
});

builder.mutationField('signInWithEmailCode', (t) =>
  t.field({
    access: 'public',
    type: SignInWithEmailCodeResult,
    complexity: passwordCheck,
    description:
      'Signs a user in by the code in a mail, on the device that asked for it, with the `transport` of the request. ' +
      'Proves the address. Five codes can be tried; after that, the link in the mail still works. Email is one factor: ' +
      'if the account needs a second one, `completeLogin` starts the session.',
    args: {
      challenge: t.arg.string({ required: true, description: 'The `challenge` of `requestEmailSignIn`.' }),
      code: t.arg.string({ required: true, description: 'The code in the mail: six digits.' }),
      remember: t.arg.boolean(rememberArgument),
    },
    resolve: async (_root, { challenge, code, remember }, { caller, config, database }) => {
      const input = { challenge, code, isRemembered: remember, visitor: await caller.findVisitor() };
      return toResult(caller, await signInWithEmailCode(database, caller.scope, input, config));
    },
  }),
);

const SignInWithEmailLinkResult = builder.errorUnion('SignInWithEmailLinkResult', {
  description: 'Result of `signInWithEmailLink`.',
  types: [...signedIn, TokenInvalidError],
});

builder.mutationField('signInWithEmailLink', (t) =>
  t.field({
    access: 'public',
    type: SignInWithEmailLinkResult,
    complexity: passwordCheck,
    description:
      'Signs a user in by the link in a mail, on any device. Send it only after a click: programs that scan mail open ' +
      'links. Otherwise like `signInWithEmailCode`.',
    args: {
      token: t.arg.string({ required: true, description: 'The token from the mailed link.' }),
      transport: t.arg(transportArgument),
      remember: t.arg.boolean(rememberArgument),
    },
    resolve: async (_root, { token, ...wanted }, { caller, config, database }) => {
      const input = { token, ...(await requestSession(caller, wanted)) };
      return toResult(caller, await signInWithEmailLink(database, caller.scope, input, config));
    },
  }),
);
