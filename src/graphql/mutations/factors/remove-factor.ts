import { removeAuthenticatorApp } from '../../../accounts/factors/remove-app.ts';
import {
  FactorNotFoundError,
  InvalidCredentialsError,
  LastFactorError,
  RateLimitedError,
  ReauthenticationRequiredError,
} from '../../../errors.ts';
import { requireUser } from '../../../scope.ts';
import { builder } from '../../builder.ts';
import { ViewerPayload } from '../../types/viewer-payload.ts';
import { changed } from '../email.ts';

builder.mutationField('removeAuthenticatorApp', (t) =>
  t.field({
    access: 'user',
    requiresProof: { when: 'sometimes' },
    type: ViewerPayload,
    errors: {
      types: [
        FactorNotFoundError,
        LastFactorError,
        ReauthenticationRequiredError,
        InvalidCredentialsError,
        RateLimitedError,
      ],
    },
    description:
      'Removes the authenticator app of the signed-in user, who has proved two factors recently: the password with a ' +
      'code of the app or a recovery code, or a passkey. If no other second factor is left, sign-ins need none any ' +
      'more. A mail notifies the user, with a link to undo this. InvalidCredentialsError while the password is one that ' +
      'a link has restored.',
    resolve: async (_root, _args, { caller, config, database }) =>
      changed(caller, await removeAuthenticatorApp(database, requireUser(caller.scope), config)),
  }),
);
