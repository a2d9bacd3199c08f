import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { GraphQLError, parse } from 'graphql';
import { type AuthContext, createVerifier, yogaAuth } from 'graphql-sessions/verify';
import { createYoga } from 'graphql-yoga';

type Order = { id: string; item: string; buyerId: string };

const orders: Order[] = [];

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://127.0.0.1:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
  // Browsers use the https address of the gateway.
  cookieName: '__Host-session',
});

const resolvers = {
  Query: { latestOrders: () => orders.slice(-100).reverse() },
  Mutation: {
    placeOrder(_root: unknown, { item }: { item: string }, { auth }: AuthContext): Order {
      if (!auth?.user) throw new GraphQLError('Sign in first.', { extensions: { code: 'UNAUTHENTICATED' } });
      const order = { id: String(orders.length + 1), item, buyerId: auth.user.id };
      orders.push(order);
      return order;
    },
  },
  Order: {
    __resolveReference: ({ id }: { id: string }) => orders.find((order) => order.id === id),
    buyer: ({ buyerId }: Order) => ({ id: buyerId }),
  },
  User: {
    // The ID comes from the client by way of the gateway: who asks decides what is shown.
    orders: ({ id }: { id: string }, _args: unknown, { auth }: AuthContext) =>
      auth?.user?.id === id ? orders.filter(({ buyerId }) => buyerId === id) : null,
  },
};

const typeDefs = parse(readFileSync('orders.graphql', 'utf8'));
const schema = buildSubgraphSchema([{ typeDefs, resolvers }]);

createServer(createYoga({ schema, plugins: [yogaAuth(verifier)] })).listen(Number(process.env.PORT ?? 4001));
