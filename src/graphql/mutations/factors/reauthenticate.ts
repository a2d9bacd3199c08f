import { type NewProof, reauthenticate } from '../../../accounts/reauthenticate.ts';
import {
  ChallengeInvalidError,
  InvalidCredentialsError,
  PasskeyRejectedError,
  RateLimitedError,
  RequestError,
} from '../../../errors.ts';
import { builder } from '../../builder.ts';
import { passwordCheck } from '../../plugins/limits.ts';
import { Session } from '../../types/sessions/session.ts';
import {
  antiCSRFTokenDescription,
  type Rotated,
  requireRotatable,
  rotate,
  sessionDescription,
  tokenDescription,
} from '../password.ts';
import { FactorAnswer } from './complete-login.ts';

const ReauthenticatePayload = builder.objectRef<Rotated>('ReauthenticatePayload').implement({
  access: 'parent',
  description: 'The session after a new proof of the identity. It has a new token.',
  fields: (t) => ({
    session: t.expose('session', { type: Session, description: sessionDescription }),
    token: t.exposeString('token', { nullable: true, description: tokenDescription }),
    antiCSRFToken: t.exposeString('antiCSRFToken', { nullable: true, description: antiCSRFTokenDescription }),
  }),
});

builder.mutationField('reauthenticate', (t) =>
  t.field({
    access: 'user',
    type: ReauthenticatePayload,
    complexity: passwordCheck,
    errors: { types: [InvalidCredentialsError, ChallengeInvalidError, PasskeyRejectedError, RateLimitedError] },
    description:
      'Proves the identity of the signed-in user again: by the password, or by another factor. Call it when an ' +
      'operation returns `ReauthenticationRequiredError`, then retry. The session gets a new token.',
    args: {
      password: t.arg.string({ description: 'The password of the signed-in user. Exactly one of it and `answer`.' }),
      answer: t.arg({ type: FactorAnswer, description: 'The proof of another factor.' }),
      challenge: t.arg.string({
        description:
          'The `challenge` that the answer is for: that of `startPasskeyReauthentication` for a passkey. Null for the ' +
          'other methods.',
      }),
    },
    resolve: async (_root, proof, { caller, config, database }) =>
      rotate(caller, await reauthenticate(database, requireRotatable(caller), toProof(proof), config)),
  }),
);

type Arguments = {
  password?: string | null | undefined;
  answer?: typeof FactorAnswer.$inferInput | null | undefined;
  challenge?: string | null | undefined;
};

/** @throws RequestError */
function toProof({ password, answer, challenge = null }: Arguments): NewProof {
  if (answer != null && password == null) return { answer, challenge };
  if (password == null || answer != null) {
    throw new RequestError('BAD_USER_INPUT', 'Send exactly one of password and answer.');
  }
  if (challenge !== null) throw new RequestError('BAD_USER_INPUT', 'A challenge belongs to an answer. Send both.');
  return { password };
}
