import {
  confirmAuthenticatorApp,
  type StartedApp,
  startAuthenticatorApp,
} from '../../../accounts/factors/authenticator-app.ts';
import {
  AccountSuspendedError,
  ChallengeInvalidError,
  EncryptionKeysMissingError,
  InvalidCredentialsError,
  RateLimitedError,
  ReauthenticationRequiredError,
} from '../../../errors.ts';
import { builder } from '../../builder.ts';
import { requireTransport, transportArgument } from '../sign-in.ts';
import { FactorPayload, toFactorPayload } from './factor-payload.ts';

const signInDescription =
  'The `challenge` of `SecondFactorEnrolmentRequired`, for a user who has to add a factor to sign in. Null for a ' +
  'signed-in user.';

const StartAuthenticatorAppPayload = builder.objectRef<StartedApp>('StartAuthenticatorAppPayload').implement({
  access: 'parent',
  description: 'The secret for a new authenticator app. The server shows it only once.',
  fields: (t) => ({
    challenge: t.exposeString('challenge', {
      description: 'The secret of this operation, for `confirmAuthenticatorApp`. Valid for ten minutes.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the challenge expires.' }),
    secret: t.exposeString('secret', { description: 'The secret in base32, for an app into which the user types it.' }),
    uri: t.exposeString('uri', { description: 'The secret as an `otpauth:` URI, for an app on the same device.' }),
    qrCode: t.exposeString('qrCode', { description: 'The URI as a QR code: an SVG image.' }),
  }),
});

builder.mutationField('startAuthenticatorApp', (t) =>
  t.field({
    access: 'public',
    type: StartAuthenticatorAppPayload,
    requiresProof: { when: 'sometimes' },
    errors: { types: [ReauthenticationRequiredError, ChallengeInvalidError, EncryptionKeysMissingError] },
    description:
      'Starts the addition of an authenticator app as the second factor: creates its secret. It counts once ' +
      '`confirmAuthenticatorApp` got a code of the app; until then, an app from before stays. For a signed-in user ' +
      'with recent proofs, or, with `signIn` and without more proofs, as a part of a sign-in. UNAUTHENTICATED for others.',
    args: {
      signIn: t.arg.string({ description: signInDescription }),
      transport: t.arg(transportArgument),
    },
    resolve: async (_root, { signIn: pending, transport }, { caller, config, database }) => {
      requireTransport(caller, transport);
      const input = { signIn: pending ?? null, transport };
      const started = await startAuthenticatorApp(database, caller.scope, input, config);
      if (started.deviceToken !== null) caller.bindDevice(started.deviceToken, started.expiresAt);
      return started;
    },
  }),
);

builder.mutationField('confirmAuthenticatorApp', (t) =>
  t.field({
    access: 'public',
    type: FactorPayload,
    errors: {
      types: [
        ChallengeInvalidError,
        InvalidCredentialsError,
        AccountSuspendedError,
        RateLimitedError,
        EncryptionKeysMissingError,
      ],
    },
    description:
      'Adds the authenticator app, after a code of it. From now on, sign-ins need a second factor. All other sessions ' +
      'of the user end if the account had no second factor. An app from before is replaced.',
    args: {
      challenge: t.arg.string({ required: true, description: 'The `challenge` of `startAuthenticatorApp`.' }),
      code: t.arg.string({ required: true, description: 'The current code of the app: six digits.' }),
      signIn: t.arg.string({ description: signInDescription }),
    },
    resolve: async (_root, { challenge, code, signIn: pending }, { caller, config, database }) => {
      const input = { challenge, code, signIn: pending ?? null, visitor: await caller.findVisitor() };
      const enrolled = await confirmAuthenticatorApp(database, caller.scope, input, config);
      return toFactorPayload(caller, { ...enrolled, passkey: null });
    },
  }),
);
