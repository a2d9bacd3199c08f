import { defineConfig, loadGraphQLHTTPSubgraph } from '@graphql-mesh/compose-cli';

export const composeConfig = defineConfig({
  subgraphs: [
    { sourceHandler: loadGraphQLHTTPSubgraph('accounts', { endpoint: 'http://127.0.0.1:4000/graphql' }) },
    { sourceHandler: loadGraphQLHTTPSubgraph('orders', { endpoint: 'http://127.0.0.1:3000/graphql' }) },
  ],
});
