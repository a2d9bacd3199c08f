import { createServer } from 'node:http';
import { type AuthContext, createVerifier, yogaAuth } from 'graphql-sessions/verify';
import { createSchema, createYoga } from 'graphql-yoga';

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

const schema = createSchema<AuthContext>({
  typeDefs: 'type Query { buyer: String }  type Mutation { order: String }',
  resolvers: {
    Query: { buyer: (_, __, { auth }) => auth?.user?.email },
    Mutation: { order: (_, __, { auth }) => auth?.user?.email },
  },
});

export const yoga = createYoga({ schema, plugins: [yogaAuth(verifier)] });

export const server = createServer(yoga).listen(Number(process.env.PORT ?? 3000));
