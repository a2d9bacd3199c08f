import type { PasskeyChallenge as PasskeyChallengeRow } from '../../../accounts/factors/passkeys/registration.ts';
import { builder } from '../../builder.ts';
import type { Caller } from '../../context.ts';

export const PasskeyChallenge = builder.objectRef<PasskeyChallengeRow>('PasskeyChallenge').implement({
  access: 'parent',
  description: 'A question to a passkey, which a device answers.',
  fields: (t) => ({
    challenge: t.exposeString('challenge', {
      description:
        'The secret of this operation, for the mutation that finishes it. It works once, within five minutes, on this ' +
        'device only.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the challenge expires.' }),
    options: t.expose('options', {
      type: 'JSON',
      description:
        'The options for the browser, as JSON (WebAuthn Level 3 section 5.1): for `optionsJSON` of ' +
        '`@simplewebauthn/browser`, or `PublicKeyCredential.parseCreationOptionsFromJSON` and its sibling for requests.',
    }),
  }),
});

/** Gives the caller a challenge for a passkey, and the cookie of the device that may answer it. */
export function toChallenge(caller: Caller, started: PasskeyChallengeRow): PasskeyChallengeRow {
  if (started.deviceToken !== null) caller.bindDevice(started.deviceToken, started.expiresAt);
  return started;
}

export const responseArgument = {
  type: 'JSON',
  required: true,
  description:
    'The answer of the browser, as JSON: the result of `startRegistration` or `startAuthentication` of ' +
    '`@simplewebauthn/browser`, or of `credential.toJSON()`.',
} as const;
