import { cancelFactorReset, refuseFactorReset, requestFactorReset } from '../../../accounts/factors/reset.ts';
import {
  FactorNotFoundError,
  RateLimitedError,
  ReauthenticationRequiredError,
  TokenInvalidError,
  UserNotFoundError,
} from '../../../errors.ts';
import { requireUser } from '../../../scope.ts';
import type { User as UserRow } from '../../../users/user.ts';
import { builder } from '../../builder.ts';
import { isUserOrAdmin } from '../../context.ts';
import { parseNodeId } from '../../node-id.ts';
import { FactorResetReason } from '../../types/factors/factor-reset.ts';
import { User } from '../../types/user.ts';

const FactorResetPayload = builder.objectRef<{ user: UserRow }>('FactorResetPayload').implement({
  access: 'parent',
  description: 'The user whose factors are to be reset, or are not any more.',
  fields: (t) => ({
    user: t.expose('user', { type: User, description: 'The user. `factorReset` is the pending reset.' }),
  }),
});

builder.mutationField('resetUserFactors', (t) =>
  t.field({
    access: 'recentAdmin',
    type: FactorResetPayload,
    errors: { types: [UserNotFoundError, FactorNotFoundError, ReauthenticationRequiredError] },
    description:
      'Requests the reset of the factors of a user who has lost them. After a delay (`FACTOR_RESET_DELAY`), the server ' +
      'removes the authenticator app, all passkeys and recovery codes, and ends all sessions. The user is mailed at ' +
      'once, with a link to refuse it, and again then. A sign-in with a second factor cancels it. A pending reset stays ' +
      'as it is. Only for administrators who entered their password recently: see `reauthenticate`. FORBIDDEN for ' +
      'their own factors.',
    args: {
      id: t.arg.id({ required: true, description: 'The `id` of the user.' }),
      reason: t.arg({ type: FactorResetReason, required: true, description: 'Why. The history of the user has it.' }),
    },
    resolve: (_root, { id, reason }, { caller, config, database }) => {
      const node = parseNodeId(id, database);
      if (node?.type !== 'User') throw new UserNotFoundError();
      return requestFactorReset(database, caller.scope, { id: node.id, reason }, config);
    },
  }),
);

builder.mutationField('cancelFactorReset', (t) =>
  t.field({
    access: 'user',
    type: FactorResetPayload,
    errors: { types: [UserNotFoundError] },
    description:
      'Cancels the pending reset of the factors of the signed-in user or, for administrators, of any user. Without a ' +
      'pending reset, it does nothing and succeeds.',
    args: { id: t.arg.id({ description: 'The `id` of the user. Null for the signed-in user.' }) },
    resolve: async (_root, { id }, { caller, database }) => {
      const { scope } = caller;
      const node = id == null ? null : parseNodeId(id, database);
      const userId = id == null ? requireUser(scope).session.user.id : node?.type === 'User' ? node.id : null;
      if (userId === null || !isUserOrAdmin(userId, scope)) throw new UserNotFoundError();
      return { user: await cancelFactorReset(database, scope, userId) };
    },
  }),
);

const RefuseFactorResetPayload = builder.objectRef<UserRow>('RefuseFactorResetPayload').implement({
  access: 'parent',
  description: 'The account whose factors stay.',
  fields: (t) => ({
    email: t.exposeString('email', { description: 'The email address of the account.' }),
  }),
});

builder.mutationField('refuseFactorReset', (t) =>
  t.field({
    access: 'public',
    type: RefuseFactorResetPayload,
    errors: { types: [TokenInvalidError, RateLimitedError] },
    description:
      'Refuses the reset of the factors of an account, by the link that was mailed to its user. The link works once, ' +
      'until the reset takes effect, and signs nobody in. Send it only after a click: some mail filters open links.',
    args: { token: t.arg.string({ required: true, description: 'The token from the mailed link.' }) },
    resolve: (_root, { token }, { caller, config, database }) =>
      refuseFactorReset(database, caller.scope, token, config.attempts),
  }),
);
