import { passkeyOptionsOf } from '../../../accounts/sign-ins/passkey-options.ts';
import type { PendingSignIn } from '../../../accounts/sign-ins/pending.ts';
import { builder } from '../../builder.ts';

export const SecondFactorMethod = builder.enumType('SecondFactorMethod', {
  description: 'A method for the second factor of a sign-in. More may be added.',
  values: {
    PASSKEY: { description: 'A passkey, or a security key (WebAuthn).' },
    TOTP: { description: 'A code of an authenticator app (RFC 6238).' },
    RECOVERY_CODE: { description: 'A recovery code. Offer it last: for users who have lost the other factors.' },
  } as const,
});

const challengeDescription =
  'The secret of this sign-in, for ten minutes. It works once, and grants no access. With cookies, or after an ' +
  '`x-device-token` in the first step, it works only on that device. Keep it in memory.';
const expiresAtDescription = 'When the challenge expires.';

export const SecondFactorRequired = builder.objectRef<PendingSignIn>('SecondFactorRequired').implement({
  access: 'parent',
  description:
    'The first factor is right, and the account needs a second one. No session exists yet: `completeLogin` starts it.',
  isTypeOf: (value) => isPendingValue(value) && value.methods.length > 0,
  fields: (t) => ({
    challenge: t.exposeString('challenge', { description: challengeDescription }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: expiresAtDescription }),
    methods: t.expose('methods', {
      type: [SecondFactorMethod],
      description: 'The methods of this account, the best first: at least one.',
    }),
    passkeyOptions: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The options for `startAuthentication` of `@simplewebauthn/browser`, whose result is the answer `passkey`. ' +
        'Valid for five minutes. Null if the account has no passkey.',
      resolve: (pending, _args, { config, database }) => passkeyOptionsOf(database, pending, config),
    }),
    canTrustDevice: t.boolean({
      description: 'Whether `completeLogin(trustDevice:)` has an effect on this server.',
      resolve: (_pending, _args, { config }) => config.secondFactor.allowsTrustedDevices,
    }),
  }),
});

export const SecondFactorEnrolmentRequired = builder
  .objectRef<PendingSignIn>('SecondFactorEnrolmentRequired')
  .implement({
    access: 'parent',
    description:
      'The first factor is right. The account needs a second one, and has none yet. Or the recovery code is right, and ' +
      'the account has no other factor any more. No session exists: add a factor ' +
      'with this challenge, for example with `startAuthenticatorApp(signIn:)`. Its confirmation starts the session.',
    isTypeOf: (value) => isPendingValue(value) && value.methods.length === 0,
    fields: (t) => ({
      challenge: t.exposeString('challenge', { description: challengeDescription }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime', description: expiresAtDescription }),
    }),
  });

function isPendingValue(value: unknown): value is PendingSignIn {
  return typeof value === 'object' && value !== null && 'challenge' in value && 'methods' in value;
}
