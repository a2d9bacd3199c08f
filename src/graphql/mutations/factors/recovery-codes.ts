import { createRecoveryCodes } from '../../../accounts/factors/recovery-codes.ts';
import { type ChangedRequirement, requireSecondFactor } from '../../../accounts/factors/require-second-factor.ts';
import {
  FactorNotFoundError,
  InvalidCredentialsError,
  RateLimitedError,
  ReauthenticationRequiredError,
  SecondFactorNeededError,
} from '../../../errors.ts';
import { requireUser } from '../../../scope.ts';
import { builder } from '../../builder.ts';
import { User } from '../../types/user.ts';

export const recoveryCodesDescription =
  'Show them once, and ask the user to keep them on paper or in a password manager. The server stores only their hashes.';

const CreateRecoveryCodesPayload = builder.objectRef<{ codes: string[] }>('CreateRecoveryCodesPayload').implement({
  access: 'parent',
  description: 'New recovery codes.',
  fields: (t) => ({
    codes: t.exposeStringList('codes', {
      description: `Ten codes. Each replaces the second factor of one sign-in. ${recoveryCodesDescription}`,
    }),
  }),
});

builder.mutationField('createRecoveryCodes', (t) =>
  t.field({
    access: 'user',
    requiresProof: { when: 'sometimes' },
    type: CreateRecoveryCodesPayload,
    errors: { types: [ReauthenticationRequiredError, FactorNotFoundError, InvalidCredentialsError, RateLimitedError] },
    description:
      'Creates ten recovery codes for the signed-in user, which replace all earlier ones. Needs recent proofs of two ' +
      'factors, if the account needs two. FactorNotFoundError for an account without a second factor.',
    resolve: async (_root, _args, { caller, config, database }) => ({
      codes: await createRecoveryCodes(database, requireUser(caller.scope), config),
    }),
  }),
);

const RequireSecondFactorPayload = builder.objectRef<ChangedRequirement>('RequireSecondFactorPayload').implement({
  access: 'parent',
  description: 'The user after the decision.',
  fields: (t) => ({
    viewer: t.expose('user', { type: User, description: 'The signed-in user.' }),
    recoveryCodes: t.exposeStringList('recoveryCodes', {
      nullable: true,
      description: `New recovery codes. ${recoveryCodesDescription} Null if the account had codes, or needs none.`,
    }),
  }),
});

builder.mutationField('requireSecondFactor', (t) =>
  t.field({
    access: 'user',
    requiresProof: { when: 'sometimes', level: 2 },
    type: RequireSecondFactorPayload,
    errors: {
      types: [
        ReauthenticationRequiredError,
        FactorNotFoundError,
        SecondFactorNeededError,
        InvalidCredentialsError,
        RateLimitedError,
      ],
    },
    description:
      'Decides whether sign-ins of the signed-in user need a second factor. With true, the account must have one, and ' +
      'the sessions that lack it end. With false, the recovery codes are deleted; not possible with an authenticator ' +
      'app, and where the role needs a second factor. Needs recent proofs of two factors.',
    args: {
      required: t.arg.boolean({ required: true, description: 'Whether sign-ins need a second factor.' }),
    },
    resolve: async (_root, { required }, { caller, config, database }) => {
      const changed = await requireSecondFactor(database, requireUser(caller.scope), required, config);
      const { session } = caller.scope;
      if (session) caller.update(session, changed.user);
      return changed;
    },
  }),
);
