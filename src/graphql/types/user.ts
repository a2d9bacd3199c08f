import type { Config } from '../../config/config.ts';
import { RequestError } from '../../errors.ts';
import type { Prisma } from '../../generated/sqlite/client.ts';
import { findUserByEmail, whereSearched } from '../../users/user.ts';
import { readUsername } from '../../users/username.ts';
import { builder } from '../builder.ts';
import { parseNodeId, toNodeId } from '../node-id.ts';
import { newestFirst } from '../pages.ts';
import { pageComplexity } from '../plugins/limits.ts';

export const User = builder.prismaObject('User', {
  access: 'parent',
  description:
    'A person with an account. Visible to that user, to administrators, and to services with the scope `users:read`.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never given to another user.',
      resolve: ({ id }) => toNodeId('User', id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the account was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the account was last changed.' }),
    name: t.exposeString('name', { nullable: true, description: 'The display name. Null if the user has none.' }),
    email: t.exposeString('email', { description: 'The email address for the login, in lower case.' }),
    username: t.exposeString('username', {
      nullable: true,
      description: 'The username, in lower case: unique, and public. Null if the user has none.',
    }),
    emailVerifiedAt: t.expose('emailVerifiedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the user proved to own the email address. Null until then.',
    }),
    role: t.exposeString('role', { description: 'The role in the application, for example `user` or `admin`.' }),
    suspendedAt: t.expose('suspendedAt', {
      type: 'DateTime',
      nullable: true,
      access: 'reader',
      description:
        'When an administrator suspended the user, who cannot sign in since then. Null if the user is not suspended, ' +
        'and for callers who may not see the user.',
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
    description: 'The signed-in user. Null, and never an error, without one.',
    resolve: (_root, _args, { caller }) => caller.scope.session?.user ?? null,
  }),
);

const UserBy = builder.inputType('UserBy', {
  isOneOf: true,
  description: 'Names a user: exactly one of the fields, and not null (`@oneOf`).',
  fields: (t) => ({
    id: t.id({ description: 'The `id` of the user.' }),
    email: t.string({ description: 'The email address of the user. Case does not matter.' }),
    username: t.string({ description: 'The username of the user. Case does not matter.' }),
  }),
});

builder.queryField('user', (t) =>
  t.field({
    type: User,
    nullable: true,
    access: 'directory',
    description:
      'The user with this ID, email address or username. Null if there is none. Only for administrators and for ' +
      'services with the scope `users:read`.',
    args: { by: t.arg({ type: UserBy, required: true, description: 'The user: by ID, email address or username.' }) },
    resolve: (_root, { by }, { database, loaders }) => {
      if (by.email !== undefined) return findUserByEmail(database, by.email);
      if (by.username !== undefined) {
        const username = readUsername(by.username);
        return username && database.$findUserByUsername(username.key);
      }
      const node = parseNodeId(by.id, database);
      return node?.type === 'User' ? loaders.user(node.id) : null;
    },
  }),
);

/** The length of the longest email address; names and roles are shorter. SQLite refuses patterns of 50,000 bytes. */
const maxFilterLength = 254;

builder.queryField('users', (t) =>
  t.prismaConnection(
    {
      type: User,
      cursor: 'id',
      nullable: true,
      semanticNonNull: true,
      description: 'All users, newest first. Only for administrators.',
      complexity: pageComplexity,
      access: 'admin',
      args: {
        search: t.arg.string({
          description:
            'Returns only users with this text in the email, the name or the username, in any case. `%` matches any text, and `_` ' +
            `any character. At most ${maxFilterLength} characters.`,
        }),
        role: t.arg.string({
          description: `Returns only users with exactly this role. At most ${maxFilterLength} characters.`,
        }),
        suspended: t.arg.boolean({
          description: 'Returns only suspended users (true), or only users who are not suspended (false).',
        }),
      },
      resolve: async (query, _root, args, { config, replica, loaders }) => {
        const users = await replica.user.findMany(newestFirst(query, args, replica, whereListed(args, config)));
        // So `sessions { user }` needs no query.
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

/** Returns the condition for a filter. @throws RequestError if the filter is too long, or no text can match it. */
function whereListed({ search, role, suspended }: UserFilter, { databaseUrl }: Config): Prisma.UserWhereInput {
  const text = search?.trim();
  for (const [name, value] of Object.entries({ search: text, role })) {
    if (!value) continue;
    if (value.length > maxFilterLength) {
      throw new RequestError('BAD_USER_INPUT', `The filter ${name} may have at most ${maxFilterLength} characters.`);
    }
    if (value.includes('\u0000') || !value.isWellFormed()) {
      throw new RequestError('BAD_USER_INPUT', `The filter ${name} contains a NUL or a lone surrogate.`);
    }
  }
  return {
    ...(text ? whereSearched(text, databaseUrl) : {}),
    ...(role == null ? {} : { role }),
    ...(suspended == null ? {} : { suspendedAt: suspended ? { not: null } : null }),
  };
}
