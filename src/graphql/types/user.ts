import type { Config } from '../../config/config.ts';
import { regardlessOfCase } from '../../database/database.ts';
import { RequestError } from '../../errors.ts';
import type { Prisma } from '../../generated/sqlite/client.ts';
import { builder } from '../builder.ts';
import { requireCursors, toNodeId } from '../node-id.ts';
import { pageComplexity } from '../plugins/limits.ts';

export const User = builder.prismaObject('User', {
  access: 'parent',
  description: 'Somebody with an account. Visible to themselves and to administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'Unique among all types, opaque, and never given to another user.',
      resolve: ({ id }) => toNodeId('User', id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the account was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the account was last changed.' }),
    name: t.exposeString('name', { nullable: true, description: 'What the user is called. Null if not given.' }),
    email: t.exposeString('email', { description: 'The address that the user logs in with, in lower case.' }),
    emailVerifiedAt: t.expose('emailVerifiedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the user proved that the address is theirs. Null until then.',
    }),
    role: t.exposeString('role', { description: 'What the user is to the application, such as `user` or `admin`.' }),
    suspendedAt: t.expose('suspendedAt', {
      type: 'DateTime',
      nullable: true,
      access: 'owner',
      description: 'Since when the user may not sign in; an administrator can change that. Null for everybody else.',
    }),
  }),
});

const UserConnection = builder.connectionObject(
  { type: User, name: 'UserConnection', description: 'A page of users.' },
  { description: 'A user on a page.' },
);

builder.queryField('viewer', (t) =>
  t.field({
    access: 'public',
    type: User,
    nullable: true,
    description: 'The signed-in user; null, never an error, when there is none.',
    resolve: (_root, _args, { caller }) => caller.scope.session?.user ?? null,
  }),
);

/** The longest address: no name and no role is longer. SQLite refuses patterns of 50,000 bytes. */
const maxFilterLength = 254;

builder.queryField('users', (t) =>
  t.prismaConnection(
    {
      type: User,
      cursor: 'id',
      nullable: true,
      description: 'Everybody with an account, newest first. For administrators only.',
      complexity: pageComplexity,
      access: 'admin',
      args: {
        search: t.arg.string({
          description:
            'Only those whose email or name has this in it, in whatever case; `%` stands for any text, and `_` for any ' +
            `character. At most ${maxFilterLength} characters.`,
        }),
        role: t.arg.string({
          description: `Only those with exactly this role. At most ${maxFilterLength} characters.`,
        }),
        suspended: t.arg.boolean({ description: 'Only those who are suspended, or only those who are not.' }),
      },
      resolve: async (query, _root, args, { config, replica, loaders }) => {
        requireCursors(args);
        const users = await replica.user.findMany({
          ...query,
          where: whereListed(args, config),
          orderBy: { id: 'desc' },
        });
        // Their sessions are theirs: whose they are need not be asked again.
        loaders.remember(users);
        return users;
      },
      totalCount: (_root, args, { config, replica }) => replica.user.count({ where: whereListed(args, config) }),
    },
    UserConnection,
  ),
);

type UserFilter = {
  search?: string | null | undefined;
  role?: string | null | undefined;
  suspended?: boolean | null | undefined;
};

/** @throws RequestError for a filter that is too long, or that no text can match. */
function whereListed({ search, role, suspended }: UserFilter, { databaseUrl }: Config): Prisma.UserWhereInput {
  const text = search?.trim();
  for (const [name, value] of Object.entries({ search: text, role })) {
    if (!value) continue;
    if (value.length > maxFilterLength) {
      throw new RequestError('BAD_USER_INPUT', `The filter ${name} may have at most ${maxFilterLength} characters.`);
    }
    if (value.includes('\u0000') || !value.isWellFormed()) {
      throw new RequestError('BAD_USER_INPUT', `The filter ${name} has a NUL or a lone surrogate in it.`);
    }
  }
  const part = { contains: text ?? '', ...regardlessOfCase(databaseUrl) };
  return {
    ...(text ? { OR: [{ email: part }, { name: part }] } : {}),
    ...(role == null ? {} : { role }),
    ...(suspended == null ? {} : { suspendedAt: suspended ? { not: null } : null }),
  };
}
