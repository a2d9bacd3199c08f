import type { AuthenticatorApp as AuthenticatorAppRow } from '../../../generated/sqlite/client.ts';
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

const AuthenticatorApp = builder.objectRef<AuthenticatorAppRow>('AuthenticatorApp').implement({
  access: 'parent',
  description: 'The authenticator app of a user. Its secret is never shown again.',
  fields: (t) => ({
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added, or replaced another one.' }),
  }),
});

builder.prismaObjectField(User, 'authenticatorApp', (t) =>
  t.field({
    access: 'owner',
    type: AuthenticatorApp,
    nullable: true,
    description:
      'The authenticator app of the user. Null if there is none, and for callers other than the user and administrators.',
    resolve: ({ id }, _args, { database, loaders }) => {
      const find = (ids: bigint[]) => database.authenticatorApp.findMany({ where: { userId: { in: ids } } });
      return loaders.rowOfUser('AuthenticatorApp', id, find);
    },
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
