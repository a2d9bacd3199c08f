import { finishPasskeyLogin, startPasskeyLogin } from '../../../accounts/factors/passkeys/login.ts';
import { startPasskeyReauthentication } from '../../../accounts/factors/passkeys/reauthentication.ts';
import {
  AccountSuspendedError,
  ChallengeInvalidError,
  FactorNotFoundError,
  PasskeyRejectedError,
  RateLimitedError,
} from '../../../errors.ts';
import { requireUser } from '../../../scope.ts';
import { builder } from '../../builder.ts';
import { passwordCheck } from '../../plugins/limits.ts';
import { PasskeyChallenge, responseArgument, toChallenge } from '../../types/factors/passkey-challenge.ts';
import { rememberArgument, requireTransport, SignInPayload, signIn, transportArgument } from '../sign-in.ts';

builder.mutationField('startPasskeyLogin', (t) =>
  t.field({
    access: 'public',
    type: PasskeyChallenge,
    complexity: passwordCheck,
    errors: { types: [RateLimitedError] },
    description:
      'Starts a login by passkey, for `startAuthentication` of `@simplewebauthn/browser`, also with ' +
      '`useBrowserAutofill`. It names no account: the device offers the passkeys that it has.',
    args: { transport: t.arg(transportArgument) },
    resolve: async (_root, { transport }, { caller, config, database }) => {
      requireTransport(caller, transport);
      return toChallenge(caller, await startPasskeyLogin(database, caller.scope, transport, config));
    },
  }),
);

builder.mutationField('finishPasskeyLogin', (t) =>
  t.field({
    access: 'public',
    type: SignInPayload,
    complexity: passwordCheck,
    errors: { types: [ChallengeInvalidError, PasskeyRejectedError, AccountSuspendedError] },
    description:
      'Signs a user in by a passkey, with the `transport` of `startPasskeyLogin`. The device has verified the user, so ' +
      'no second factor is needed. A challenge takes one answer, right or wrong. The session of the request ends, as ' +
      'with `login`.',
    args: {
      challenge: t.arg.string({ required: true, description: 'The `challenge` of `startPasskeyLogin`.' }),
      response: t.arg(responseArgument),
      remember: t.arg.boolean(rememberArgument),
    },
    resolve: async (_root, { challenge, response, remember }, { caller, config, database }) => {
      const input = { challenge, response, isRemembered: remember, visitor: await caller.findVisitor() };
      return signIn(caller, await finishPasskeyLogin(database, caller.scope, input, config));
    },
  }),
);

builder.mutationField('startPasskeyReauthentication', (t) =>
  t.field({
    access: 'user',
    type: PasskeyChallenge,
    errors: { types: [FactorNotFoundError] },
    description:
      'Starts a new proof of the signed-in user by a passkey, for `startAuthentication` of `@simplewebauthn/browser` ' +
      'and then `reauthenticate`.',
    resolve: async (_root, _args, { caller, config, database }) =>
      toChallenge(caller, await startPasskeyReauthentication(database, requireUser(caller.scope), config)),
  }),
);
