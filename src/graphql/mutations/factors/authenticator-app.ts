import {
  confirmAuthenticatorApp,
  type StartedApp,
  startAuthenticatorApp,
} from '../../../accounts/factors/authenticator-app.ts';
import type { Enrolled } from '../../../accounts/factors/enrolment.ts';
import {
  AccountSuspendedError,
  ChallengeInvalidError,
  EncryptionKeysMissingError,
  InvalidCredentialsError,
  RateLimitedError,
  ReauthenticationRequiredError,
} from '../../../errors.ts';
import { builder } from '../../builder.ts';
import type { Caller } from '../../context.ts';
import { Session } from '../../types/sessions/session.ts';
import { User } from '../../types/user.ts';
import { rotate } from '../password.ts';
import { type NewLogin, requireTransport, signIn, transportArgument } from '../sign-in.ts';
import { recoveryCodesDescription } from './recovery-codes.ts';

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

/** The current session after a change of the factors, with the new tokens of its client. */
type ChangedFactors = NewLogin & Pick<Enrolled, 'recoveryCodes'>;

export const FactorPayload = builder.objectRef<ChangedFactors>('FactorPayload').implement({
  access: 'parent',
  description:
    'The session after a change of the factors, with a new token. If the change was a part of a sign-in, the session ' +
    'is new.',
  fields: (t) => ({
    viewer: t.expose('viewer', { type: User, description: 'The signed-in user.' }),
    session: t.expose('session', { type: Session, description: 'The current session.' }),
    token: t.exposeString('token', {
      nullable: true,
      description:
        'The new bearer token of the session. The server shows it only once and rejects the previous token. Null for ' +
        'a cookie session: the token is in the cookie.',
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'The new anti-CSRF token. Send it in the `anti-csrf` header of every mutation. Null for a bearer session.',
      resolve: (_payload, _args, { caller }) => caller.antiCSRFToken,
    }),
    deviceToken: t.exposeString('deviceToken', {
      nullable: true,
      description: 'The device token of a new bearer session, as in `SignInPayload`. Null for all others.',
    }),
    recoveryCodes: t.exposeStringList('recoveryCodes', {
      nullable: true,
      description:
        `The first recovery codes of the account. ${recoveryCodesDescription} Null if the account has some, or needs ` +
        'no second factor.',
    }),
  }),
});

/** Gives the caller the session of an addition, with its new token. */
export function toFactorPayload(caller: Caller, { user, recoveryCodes, rotated, started }: Enrolled): ChangedFactors {
  if (rotated === null) return { ...signIn(caller, started), recoveryCodes };
  const { token } = rotate(caller, rotated, user);
  const { session } = caller.scope;
  if (!session?.user) throw new Error('A session without a user has got a new token.');
  return { viewer: session.user, session, token, deviceToken: null, recoveryCodes };
}

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
      return toFactorPayload(caller, await confirmAuthenticatorApp(database, caller.scope, input, config));
    },
  }),
);
