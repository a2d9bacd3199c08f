import { createServer } from 'node:http';
import { type AuthContext, createVerifier, graphqlSseAuth } from 'graphql-sessions/verify';
import { createHandler } from 'graphql-sse/lib/use/http';
import { createSchema } from 'graphql-yoga';

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

const handler = createHandler({ schema, ...graphqlSseAuth(verifier) });

export const server = createServer((request, response) => {
  handler(request, response).catch((error: unknown) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
}).listen(Number(process.env.PORT ?? 3000));
