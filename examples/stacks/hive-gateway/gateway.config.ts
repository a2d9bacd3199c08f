import { defineConfig, type GatewayPlugin } from '@graphql-hive/gateway';
import { type ASTVisitor, GraphQLError, type ValidationContext } from 'graphql';

/** The headers of the client that all subgraphs need: the bearer token, and those that tell who sent the request. */
const forAll = ['authorization', 'host', 'origin', 'sec-fetch-site', 'user-agent'];

/** The headers for this server alone. Its cookies include the token of the device. */
const forAccounts = [...forAll, 'cookie', 'anti-csrf', 'x-device-token'];

/** Returns the header `Cookie` with the cookie of the session only. */
function sessionCookie({ headers }: Request): string {
  const cookies = (headers.get('cookie') ?? '').split(/;\s*/);
  return cookies.filter((cookie) => cookie.startsWith('__Host-session=')).join('; ');
}

/** Refuses a second mutation in a document. The gateway sends each as a request of its own, with limits of its own. */
function oneMutation(context: ValidationContext): ASTVisitor {
  let mutations = 0;
  return {
    // Also in fragments.
    Field(node) {
      if (context.getParentType() !== context.getSchema().getMutationType()) return;
      mutations += 1;
      if (mutations !== 2) return;
      context.reportError(new GraphQLError('Send one mutation at a time.', { nodes: node }));
    },
  };
}

const mutationLimit: GatewayPlugin = { onValidate: ({ addValidationRule }) => addValidationRule(oneMutation) };

const hidesSchema = process.env.INTROSPECTION === 'false';

export const gatewayConfig = defineConfig({
  supergraph: './supergraph.graphql',
  port: Number(process.env.PORT ?? 8080),
  // By default, pages of every origin may read answers that the user's cookie opens.
  cors: false,
  // Pages of other sites may open WebSockets with the user's cookie.
  disableWebsockets: true,
  // Turn them on for development.
  graphiql: false,
  landingPage: false,
  disableIntrospection: { disableIf: () => hidesSchema },
  blockFieldSuggestions: hidesSchema,
  maxTokens: 2_000,
  // Fragments count as levels, too.
  maxDepth: 20,
  plugins: () => [mutationLimit],
  propagateHeaders: {
    fromClientToSubgraphs({ request, context, subgraphName }) {
      const names = subgraphName === 'accounts' ? forAccounts : forAll;
      // The client may forge its entries. The server reads them from the end, as far as TRUSTED_PROXIES allows.
      const addresses = [request.headers.get('x-forwarded-for'), context.req.socket.remoteAddress];
      return {
        cookie: sessionCookie(request),
        ...Object.fromEntries(names.map((name) => [name, request.headers.get(name)])),
        'x-forwarded-for': addresses.filter(Boolean).join(', '),
      };
    },
    // A login sends two cookies.
    fromSubgraphsToClient: ({ response, subgraphName }) =>
      subgraphName === 'accounts' ? { 'set-cookie': response.headers.getSetCookie() } : {},
  },
});
