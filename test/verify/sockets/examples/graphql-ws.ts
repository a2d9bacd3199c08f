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
  typeDefs: 'type Query { buyer: String }  type Subscription { orders: String }',
  resolvers: {
    Query: { buyer: (_, __, { auth }) => auth?.user?.email },
    Subscription: {
      orders: {
        async *subscribe(_, __, { auth }) {
          yield { orders: `Orders of ${auth?.user?.email}` };
          // The next order never comes.
          await new Promise(() => {});
        },
      },
    },
  },
});

export const webSocketServer = new WebSocketServer({ port: Number(process.env.PORT ?? 3000), path: '/graphql' });
useServer({ schema, ...graphqlWsAuth(verifier) }, webSocketServer);
