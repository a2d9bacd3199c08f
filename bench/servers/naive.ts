/** GraphQL Yoga, Pothos and Prisma, combined as in their documentation: the simple alternative to this server. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { PrismaPg } from '@prisma/adapter-pg';
import { DateTimeResolver } from 'graphql-scalars';
import { createYoga } from 'graphql-yoga';
import { PrismaClient as PostgresqlClient } from '../../src/generated/postgresql/client/client.ts';
import type PrismaTypes from '../../src/generated/pothos.ts';
import { getDatamodel } from '../../src/generated/pothos.ts';
import { PrismaClient } from '../../src/generated/sqlite/client.ts';

// biome-ignore lint/style/noProcessEnv: how this server is started
const { DATABASE_URL = '', PORT } = process.env;

const prisma = DATABASE_URL.startsWith('file:')
  ? new PrismaClient({ adapter: new PrismaBetterSqlite3({ url: DATABASE_URL }, { timestampFormat: 'unixepoch-ms' }) })
  : (new PostgresqlClient({ adapter: new PrismaPg({ connectionString: DATABASE_URL }) }) as unknown as PrismaClient);

const builder = new SchemaBuilder<{
  PrismaTypes: PrismaTypes;
  Context: { request: Request };
  Scalars: { DateTime: { Input: Date; Output: Date } };
  // The types of the server's own plugins require more options than this builder has.
}>({ plugins: [PrismaPlugin], prisma: { client: prisma, dmmf: getDatamodel() } } as never);

builder.addScalarType('DateTime', DateTimeResolver);
builder.prismaObject('User', {
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => String(id) }),
    email: t.exposeString('email'),
    role: t.exposeString('role'),
    name: t.exposeString('name', { nullable: true }),
    sessions: t.relation('sessions', { query: { orderBy: { id: 'desc' } } }),
  }),
});
builder.prismaObject('Session', {
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => String(id) }),
    handle: t.exposeString('handle'),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    user: t.relation('user', { nullable: true }),
  }),
});
builder.queryType({
  fields: (t) => ({
    currentSession: t.prismaField({
      type: 'Session',
      nullable: true,
      resolve: async (query, _root, _args, { request }) => {
        const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? '';
        const hashed = createHash('sha256').update(token).digest('hex');
        const session = await prisma.session.findUnique({ ...query, where: { handle: token.slice(0, 32) } });
        return session?.hashedSessionToken === hashed && session.expiresAt > new Date() ? session : null;
      },
    }),
    users: t.prismaField({
      type: ['User'],
      resolve: (query) => prisma.user.findMany({ ...query, take: 100, orderBy: { id: 'desc' } }),
    }),
  }),
});

createServer(createYoga({ schema: builder.toSchema() })).listen(Number(PORT), '127.0.0.1');
