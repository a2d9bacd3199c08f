import { ReauthenticationRequiredError, userErrors } from '../../../errors.ts';
import { listStepUpMethods } from '../../../factors/step-up.ts';
import { builder } from '../../builder.ts';
import { UserErrorInterface } from '../../errors.ts';
import { AuthenticationMethod } from '../sessions/session-proof.ts';

builder.objectType(ReauthenticationRequiredError, {
  access: 'parent',
  name: 'ReauthenticationRequiredError',
  description: userErrors.REAUTHENTICATION_REQUIRED.description,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    level: t.exposeInt('level', {
      description:
        'The level that the recent proofs have to reach together: 1 for one factor, 2 for two different ones.',
    }),
    withinSeconds: t.int({
      description: 'The maximum age of these proofs, in seconds.',
      resolve: ({ withinMs }) => Math.floor(withinMs / 1_000),
    }),
    methods: t.field({
      type: [AuthenticationMethod],
      description:
        'The methods of this account that help, the best first. Those that were proved recently enough are not among ' +
        'them. With level 2, two may be needed, one after the other. Empty if the account first has to get another ' +
        'factor.',
      resolve: ({ withinMs }, _args, { caller, database }) => listStepUpMethods(database, caller.scope, withinMs),
    }),
  }),
});
