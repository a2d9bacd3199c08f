import { type AuthContext, createVerifier, graphqlWsAuth } from 'graphql-sessions/verify';
import { useServer } from 'graphql-ws/use/ws';
import { createSchema } from 'graphql-yoga';
import { WebSocketServer } from 'ws';

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

const schema = createSchema<AuthContext>({
  typeDefs: 'type Query { buyer: String }',
  resolvers: { Query: { buyer: (_, __, { auth }) => auth?.user?.email } },
});

export const webSocketServer = new WebSocketServer({ port: Number(process.env.PORT ?? 3000), path: '/graphql' });
useServer({ schema, ...graphqlWsAuth(verifier) }, webSocketServer);
