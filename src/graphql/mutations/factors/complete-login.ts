import { completeLogin } from '../../../accounts/sign-ins/second-factor.ts';
import {
  AccountSuspendedError,
  ChallengeInvalidError,
  InvalidCredentialsError,
  PasskeyRejectedError,
  RateLimitedError,
} from '../../../errors.ts';
import { builder } from '../../builder.ts';
import { passwordCheck } from '../../plugins/limits.ts';
import { responseArgument } from '../../types/factors/passkey-challenge.ts';
import { SecondFactorEnrolmentRequired } from '../../types/factors/second-factor.ts';
import { SignInPayload, toResult } from '../sign-in.ts';

const PasskeyAnswer = builder.inputType('PasskeyAnswer', {
  description: 'The answer of a passkey to the challenge of the operation.',
  fields: (t) => ({ response: t.field(responseArgument) }),
});

export const FactorAnswer = builder.inputType('FactorAnswer', {
  isOneOf: true,
  description: 'Proves a factor: exactly one of the fields, and not null (`@oneOf`).',
  fields: (t) => ({
    totpCode: t.string({ description: 'The current code of the authenticator app: six digits.' }),
    recoveryCode: t.string({
      description: 'A recovery code that was not used yet. Case, dashes and spaces do not matter.',
    }),
    passkey: t.field({
      type: PasskeyAnswer,
      description: 'The answer of a passkey, at most five minutes after the challenge.',
    }),
  }),
});

const CompleteLoginResult = builder.errorUnion('CompleteLoginResult', {
  description: 'Result of `completeLogin`.',
  types: [
    SignInPayload,
    SecondFactorEnrolmentRequired,
    ChallengeInvalidError,
    InvalidCredentialsError,
    PasskeyRejectedError,
    AccountSuspendedError,
    RateLimitedError,
  ],
});

builder.mutationField('completeLogin', (t) =>
  t.field({
    access: 'public',
    type: CompleteLoginResult,
    complexity: passwordCheck,
    description:
      'Completes a sign-in for which a mutation returned `SecondFactorRequired`, and starts its session, with the ' +
      '`transport` and `remember` of the first step. If a recovery code replaced the last factor of the account, the ' +
      'user has to add a new one first: `SecondFactorEnrolmentRequired`.',
    args: {
      challenge: t.arg.string({ required: true, description: 'The `challenge` of the first step.' }),
      answer: t.arg({ type: FactorAnswer, required: true, description: 'The proof of the second factor.' }),
      trustDevice: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Whether this device skips the second factor for the next 30 days. The user can end that with ' +
          '`forgetDevice`. It has no effect on a server that trusts no device: see `canTrustDevice`.',
      }),
    },
    resolve: async (_root, { challenge, answer, trustDevice }, { caller, config, database }) => {
      const visitor = await caller.findVisitor();
      const input = { challenge, answer, trustsDevice: trustDevice, visitor };
      return toResult(caller, await completeLogin(database, caller.scope, input, config));
    },
  }),
);
