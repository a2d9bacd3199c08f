import type { AddedPasskey } from '../../../accounts/factors/passkeys/registration.ts';
import { notSignedIn } from '../../../errors.ts';
import type { Passkey as PasskeyRow } from '../../../factors/passkeys/passkey.ts';
import { builder } from '../../builder.ts';
import type { Caller } from '../../context.ts';
import { Passkey } from '../../types/factors/passkey.ts';
import { Session } from '../../types/sessions/session.ts';
import { User } from '../../types/user.ts';
import { rotate } from '../password.ts';
import { type NewLogin, signIn } from '../sign-in.ts';
import { recoveryCodesDescription } from './recovery-codes.ts';

/** The current session after the addition of a factor, with the new tokens of its client. */
type AddedFactor = NewLogin & { passkey: PasskeyRow | null; recoveryCodes: string[] | null };

export const FactorPayload = builder.objectRef<AddedFactor>('FactorPayload').implement({
  access: 'parent',
  description:
    'The user and the session after the addition of a factor. If it was a part of a sign-in, the session is new.',
  fields: (t) => ({
    viewer: t.expose('viewer', {
      type: User,
      description: 'The signed-in user, with the factors that the account has now.',
    }),
    session: t.expose('session', { type: Session, description: 'The current session.' }),
    token: t.exposeString('token', {
      nullable: true,
      description:
        'The new bearer token of the session. The server shows it only once and rejects the previous token. Null for ' +
        'a cookie session, whose token is in the cookie, and if the token stays the same: the device of a new passkey ' +
        'did not verify the user.',
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
    passkey: t.expose('passkey', {
      type: Passkey,
      nullable: true,
      description: 'The new passkey. Null after the addition of another factor.',
    }),
    recoveryCodes: t.exposeStringList('recoveryCodes', {
      nullable: true,
      description:
        `The first recovery codes of the account. ${recoveryCodesDescription} Null if the account has some, or needs ` +
        'no second factor.',
    }),
  }),
});

/** Gives the caller the session of an addition, with its new token if it has got one. */
export function toFactorPayload(
  caller: Caller,
  { user, recoveryCodes, rotated, started, passkey }: Omit<AddedPasskey, 'passkey'> & { passkey: PasskeyRow | null },
): AddedFactor {
  if (started !== null) return { ...signIn(caller, started), passkey, recoveryCodes };
  const token = rotated === null ? null : rotate(caller, rotated, user).token;
  const { session } = caller.scope;
  if (session === null) throw notSignedIn();
  return { viewer: user, session, token, deviceToken: null, passkey, recoveryCodes };
}
