import { needsSecondFactor } from '../../../sessions/assurance/second-factor.ts';
import { builder } from '../../builder.ts';
import { User } from '../user.ts';

builder.prismaObjectField(User, 'needsSecondFactor', (t) =>
  t.boolean({
    access: 'owner',
    nullable: true,
    description:
      'Whether sign-ins of the user need a second factor: the user chose so, or the role needs it. Null for callers ' +
      'other than the user and administrators.',
    resolve: (user, _args, { config }) => needsSecondFactor(user, config.secondFactor),
  }),
);

builder.prismaObjectField(User, 'recoveryCodesLeft', (t) =>
  t.int({
    access: 'owner',
    nullable: true,
    description:
      'The number of recovery codes that are left. Null if there are none and sign-ins need no second factor, and for ' +
      'callers other than the user and administrators.',
    resolve: async (user, _args, { config, loaders }) => {
      const left = await loaders.recoveryCodesLeft(user.id);
      return left > 0 || needsSecondFactor(user, config.secondFactor) ? left : null;
    },
  }),
);
