import { reauthenticate } from '../../../accounts/reauthenticate.ts';
import { InvalidCredentialsError, RateLimitedError } from '../../../errors.ts';
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

const ReauthenticatePayload = builder.objectRef<Rotated>('ReauthenticatePayload').implement({
  access: 'parent',
  description: 'The session after a verification of the password. It has a new token.',
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
    errors: { types: [InvalidCredentialsError, RateLimitedError] },
    description:
      'Re-verifies the signed-in user’s password. Call it when an operation returns `ReauthenticationRequiredError`, ' +
      'then retry. The session gets a new token.',
    args: { password: t.arg.string({ required: true, description: 'The password of the signed-in user.' }) },
    resolve: async (_root, { password }, { caller, config, database }) =>
      rotate(caller, await reauthenticate(database, requireRotatable(caller), password, config)),
  }),
);
