import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Vite would load graphql's ES modules beside the CommonJS ones that Yoga and Pothos load in Node; with two copies,
    // `instanceof GraphQLError` is silently false.
    alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql/index.js') }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/template-database.ts',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
