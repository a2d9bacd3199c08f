import { defineConfig } from '@graphql-hive/gateway';

/** The headers of the client that the subgraphs need: credentials, and those that tell who sent the request. */
const forwarded = [
  'cookie',
  'authorization',
  'anti-csrf',
  'x-device-token',
  'host',
  'origin',
  'sec-fetch-site',
  'user-agent',
];

export const gatewayConfig = defineConfig({
  supergraph: './supergraph.graphql',
  port: Number(process.env.PORT ?? 8080),
  // By default, pages of every origin may read answers that the user's cookie opens.
  cors: false,
  // Pages of other sites may open WebSockets with the user's cookie.
  disableWebsockets: true,
  propagateHeaders: {
    fromClientToSubgraphs: ({ request, context }) => ({
      ...Object.fromEntries(forwarded.map((name) => [name, request.headers.get(name)])),
      'x-forwarded-for': context.req.socket.remoteAddress,
    }),
    // A login sends two cookies.
    fromSubgraphsToClient: ({ response, subgraphName }) =>
      subgraphName === 'accounts' ? { 'set-cookie': response.headers.getSetCookie() } : {},
  },
});
