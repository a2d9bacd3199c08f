import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Vite would load graphql's ES modules beside the CommonJS ones that Yoga and Pothos load in Node; with two copies,
    // `instanceof GraphQLError` is silently false.
    alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql/index.js') }],
  },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // How many requests of each kind the tests in test/attacks send.
    provide: { attackRequests: Number(process.env.ATTACK_REQUESTS ?? 600) },
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          sequence: { groupOrder: 0 },
          globalSetup: 'test/support/sqlite.ts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/database/postgresql/**', 'test/adopt/postgresql/**', 'test/cluster/**'],
        },
      },
      {
        // What is about the domain and the API, once more.
        extends: true,
        test: {
          name: 'postgresql',
          sequence: { groupOrder: 0 },
          globalSetup: 'test/support/postgresql.ts',
          include: [
            'test/database/*.test.ts',
            'test/database/postgresql/**/*.test.ts',
            'test/accounts/**/*.test.ts',
            'test/adopt/*.test.ts',
            'test/adopt/postgresql/**/*.test.ts',
            'test/users/**/*.test.ts',
            'test/sessions/**/*.test.ts',
            'test/graphql/**/*.test.ts',
            'test/mail/**/*.test.ts',
            'test/http/credentials.test.ts',
            'test/http/front-door.test.ts',
            'test/secrets.test.ts',
          ],
        },
      },
      {
        // Several servers on one PostgreSQL of their own, of which they kill some. One after the other.
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
