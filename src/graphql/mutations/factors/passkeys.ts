import {
  type AddedPasskey,
  finishPasskeyRegistration,
  startPasskeyRegistration,
} from '../../../accounts/factors/passkeys/registration.ts';
import {
  AccountSuspendedError,
  ChallengeInvalidError,
  InvalidCredentialsError,
  notSignedIn,
  PasskeyExistsError,
  PasskeyLimitError,
  PasskeyRejectedError,
  RateLimitedError,
  ReauthenticationRequiredError,
  ValidationError,
} from '../../../errors.ts';
import type { Passkey as PasskeyRow } from '../../../factors/passkeys/passkey.ts';
import { builder } from '../../builder.ts';
import type { Caller } from '../../context.ts';
import { Passkey } from '../../types/factors/passkey.ts';
import { PasskeyChallenge, responseArgument, toChallenge } from '../../types/factors/passkey-challenge.ts';
import { Session } from '../../types/sessions/session.ts';
import { User } from '../../types/user.ts';
import { type NewLogin, requireTransport, transportArgument } from '../sign-in.ts';
import { toFactorPayload } from './authenticator-app.ts';

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

type NewPasskey = NewLogin & Pick<AddedPasskey, 'recoveryCodes'> & { passkey: PasskeyRow };

const FinishPasskeyRegistrationPayload = builder.objectRef<NewPasskey>('FinishPasskeyRegistrationPayload').implement({
  access: 'parent',
  description: 'The new passkey, and the current session. If it was a part of a sign-in, the session is new.',
  fields: (t) => ({
    passkey: t.expose('passkey', { type: Passkey, description: 'The new passkey.' }),
    viewer: t.expose('viewer', { type: User, description: 'The signed-in user.' }),
    session: t.expose('session', { type: Session, description: 'The current session.' }),
    token: t.exposeString('token', {
      nullable: true,
      description:
        'The new bearer token of the session. The server shows it only once and rejects the previous token. Null for ' +
        'a cookie session, and if the token stays the same: the device did not verify the user.',
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'The current anti-CSRF token. Send it in the `anti-csrf` header of every mutation. Null for a bearer session.',
      resolve: (_payload, _args, { caller }) => caller.antiCSRFToken,
    }),
    deviceToken: t.exposeString('deviceToken', {
      nullable: true,
      description: 'The device token of a new bearer session, as in `SignInPayload`. Null for all others.',
    }),
    recoveryCodes: t.exposeStringList('recoveryCodes', {
      nullable: true,
      description:
        'The first recovery codes of the account, shown only once. Null if it has some, or needs no second factor.',
    }),
  }),
});

builder.mutationField('finishPasskeyRegistration', (t) =>
  t.field({
    access: 'public',
    type: FinishPasskeyRegistrationPayload,
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
      const added = await finishPasskeyRegistration(database, caller.scope, input, config);
      return { ...sessionAfter(caller, added), passkey: added.passkey };
    },
  }),
);

function sessionAfter(
  caller: Caller,
  { user, recoveryCodes, rotated, started }: AddedPasskey,
): NewLogin & Pick<AddedPasskey, 'recoveryCodes'> {
  if (rotated !== null) return toFactorPayload(caller, { user, recoveryCodes, rotated, started: null });
  if (started !== null) return toFactorPayload(caller, { user, recoveryCodes, rotated: null, started });
  const { session } = caller.scope;
  if (session === null) throw notSignedIn();
  return { viewer: user, session, token: null, deviceToken: null, recoveryCodes };
}
