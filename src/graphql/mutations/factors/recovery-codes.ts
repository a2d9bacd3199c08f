import { createRecoveryCodes } from '../../../accounts/factors/recovery-codes.ts';
import { FactorNotFoundError, ReauthenticationRequiredError } from '../../../errors.ts';
import { requireUser } from '../../../scope.ts';
import { builder } from '../../builder.ts';

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
    type: CreateRecoveryCodesPayload,
    errors: { types: [ReauthenticationRequiredError, FactorNotFoundError] },
    description:
      'Creates ten recovery codes for the signed-in user, which replace all earlier ones. Needs recent proofs of two ' +
      'factors, if the account needs two. FactorNotFoundError for an account without a second factor.',
    resolve: async (_root, _args, { caller, config, database }) => ({
      codes: await createRecoveryCodes(database, requireUser(caller.scope), config),
    }),
  }),
);
