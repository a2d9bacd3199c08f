import {
  finishPasskeyRegistration,
  startPasskeyRegistration,
} from '../../../accounts/factors/passkeys/registration.ts';
import {
  AccountSuspendedError,
  ChallengeInvalidError,
  InvalidCredentialsError,
  PasskeyExistsError,
  PasskeyLimitError,
  PasskeyRejectedError,
  RateLimitedError,
  ReauthenticationRequiredError,
  ValidationError,
} from '../../../errors.ts';
import { builder } from '../../builder.ts';
import { PasskeyChallenge, responseArgument, toChallenge } from '../../types/factors/passkey-challenge.ts';
import { requireTransport, transportArgument } from '../sign-in.ts';
import { FactorPayload, toFactorPayload } from './factor-payload.ts';

const signInArgument = {
  description:
    'The `challenge` of `SecondFactorEnrolmentRequired`, for a user who has to add a factor to sign in. Null for a ' +
    'signed-in user.',
} as const;

builder.mutationField('startPasskeyRegistration', (t) =>
  t.field({
    access: 'public',
    requiresProof: { when: 'sometimes' },
    type: PasskeyChallenge,
    errors: { types: [ReauthenticationRequiredError, ChallengeInvalidError, PasskeyLimitError] },
    description:
      'Starts the addition of a passkey, for `startRegistration` of `@simplewebauthn/browser`. For a signed-in user ' +
      'with a recent proof, or as a part of a sign-in. UNAUTHENTICATED for others.',
    args: {
      signIn: t.arg.string(signInArgument),
      conditional: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Whether the browser may make the passkey without asking, within five minutes after a login: for ' +
          '`useAutoRegister` of `startRegistration`. The passkey is then no proof in this session.',
      }),
      transport: t.arg(transportArgument),
    },
    resolve: async (_root, { signIn, conditional, transport }, { caller, config, database }) => {
      requireTransport(caller, transport);
      const input = { signIn: signIn ?? null, isConditional: conditional, transport };
      return toChallenge(caller, await startPasskeyRegistration(database, caller.scope, input, config));
    },
  }),
);

builder.mutationField('finishPasskeyRegistration', (t) =>
  t.field({
    access: 'public',
    type: FactorPayload,
    errors: {
      types: [
        ChallengeInvalidError,
        PasskeyRejectedError,
        PasskeyExistsError,
        PasskeyLimitError,
        ValidationError,
        InvalidCredentialsError,
        AccountSuspendedError,
        RateLimitedError,
      ],
    },
    description:
      'Adds the passkey that the device has made. If the device verified its user, that is a new proof: the session ' +
      'gets a new token. As a part of a sign-in, it starts the session, and the account needs a second factor from ' +
      'now on.',
    args: {
      challenge: t.arg.string({ required: true, description: 'The `challenge` of `startPasskeyRegistration`.' }),
      response: t.arg(responseArgument),
      name: t.arg.string({ description: 'A name by which the user knows the passkey. Null for none.' }),
      signIn: t.arg.string(signInArgument),
    },
    resolve: async (_root, { challenge, response, name, signIn }, { caller, config, database }) => {
      const of = { challenge, response, name: name ?? null, signIn: signIn ?? null };
      const input = { ...of, visitor: await caller.findVisitor() };
      return toFactorPayload(caller, await finishPasskeyRegistration(database, caller.scope, input, config));
    },
  }),
);
