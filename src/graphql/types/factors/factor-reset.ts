import type { FactorReset as FactorResetRow, ResetReason, resetReasons } from '../../../users/factor-resets.ts';
import { builder } from '../../builder.ts';
import { User } from '../user.ts';

export const FactorResetReason = builder.enumType('FactorResetReason', {
  description: 'Why the factors of a user are reset.',
  values: {
    LOST: { description: 'The user has lost the phone, the passkey or the codes.' },
    STOLEN: { description: 'Another person has them.' },
    BROKEN: { description: 'They do not work any more.' },
    OTHER: { description: 'Another reason.' },
  } as const satisfies Record<(typeof resetReasons)[number], object>,
});

export const FactorReset = builder.objectRef<FactorResetRow>('FactorReset').implement({
  access: 'parent',
  description: 'A reset of the factors of a user that has not taken effect yet.',
  fields: (t) => ({
    requestedAt: t.expose('createdAt', { type: 'DateTime', description: 'When an administrator requested it.' }),
    takesEffectAt: t.expose('dueAt', {
      type: 'DateTime',
      description: 'When the factors are removed, or up to ten minutes later. Until then, it can be cancelled.',
    }),
    reason: t.field({
      type: FactorResetReason,
      description: 'Why it was requested.',
      resolve: ({ reason }) => reason as ResetReason,
    }),
  }),
});

builder.prismaObjectField(User, 'factorReset', (t) =>
  t.field({
    access: 'owner',
    type: FactorReset,
    nullable: true,
    description:
      'The pending reset of the factors of the user. Null if there is none, and for callers other than the user and ' +
      'administrators. If it is not yours, call `cancelFactorReset`.',
    resolve: ({ id }, _args, { database, loaders }) =>
      loaders.rowOfUser('FactorReset', id, (ids) => database.factorReset.findMany({ where: { userId: { in: ids } } })),
  }),
);
