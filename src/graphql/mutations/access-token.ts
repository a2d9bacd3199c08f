import { type AccessToken, issueAccessToken } from '../../access-tokens/access-token.ts';
import { AudienceNotAllowedError } from '../../errors.ts';
import { requireUser } from '../../scope.ts';
import { builder } from '../builder.ts';
import { toNodeId } from '../node-id.ts';

const AccessTokenPayload = builder.objectRef<AccessToken>('AccessTokenPayload').implement({
  access: 'parent',
  description: 'A signed token about the current session, for one audience.',
  fields: (t) => ({
    token: t.exposeString('token', {
      description:
        'The token: a JWT of the type `at+jwt` (RFC 9068). Send it to the audience as `Authorization: Bearer <token>`. ' +
        'This server does not accept it.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the token expires: never after the session. Ask for a new one shortly before.',
    }),
  }),
});

builder.mutationField('accessToken', (t) =>
  t.field({
    access: 'user',
    type: AccessTokenPayload,
    errors: { types: [AudienceNotAllowedError] },
    description:
      'Issues a short-lived token about the signed-in user and the current session, for a server that verifies it by ' +
      'itself with `/.well-known/jwks.json`. A revocation of the session takes effect there when the token expires.',
    args: {
      audience: t.arg.string({
        required: true,
        description: 'The server that the token is for: one of those that the operator allows.',
      }),
    },
    resolve: async (_root, { audience }, { caller, config, signingKeys }) => {
      const scope = requireUser(caller.scope);
      const subject = toNodeId('User', scope.session.user.id);
      return issueAccessToken(signingKeys, scope, { audience, subject }, config.accessTokens);
    },
  }),
);
