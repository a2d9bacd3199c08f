import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

declare module 'vitest' {
  interface TestTags {
    tag: keyof typeof tags;
  }
  interface ProvidedContext {
    /** Whether this is the run of `npm test`, in which tests that repeat something do it less often. */
    isShort: boolean;
    /** How many requests of each kind the tests in test/attacks send. */
    attackRequests: number;
  }
}

/** What takes minutes. `npm test` leaves these out; `npm run test:all` runs everything. */
const tags = {
  'slow/durability': 'processes are killed, disks fill up, the power fails: what was acknowledged is there',
  'slow/process': 'the server and the command line, started as users start them',
  'slow/browser': 'pages in Chromium',
  'slow/timing': 'something takes as long as something else, or real time has to pass',
  'slow/cluster': 'several servers on one database',
  'slow/property': 'thousands of inputs that nobody chose',
  'slow/hashing': 'hashes that cost as much as they do in production, and those of other systems',
};

/** What is about the whole process that it runs in. */
const alone = ['test/passwords/hashing-pool.test.ts'];

/** These would do the same once more. */
const withoutDatabase = [
  'test/blitz/{passwords,time}.test.ts',
  'test/graphql/schema.test.ts',
  'test/transfer/user-record.test.ts',
  'test/users/email.test.ts',
];

export default defineConfig(({ mode }) => ({
  resolve: {
    // Vite would load graphql's ES modules beside the CommonJS ones that Yoga and Pothos load in Node; with two copies,
    // `instanceof GraphQLError` is silently false.
    alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql/index.js') }],
  },
  test: {
    // Only for what hangs: on a machine that does much else, a test takes many times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // They wait more than they compute.
    maxWorkers: '100%',
    // The files that a worker runs one after the other share the modules of the server, which has warmed up by then. A
    // test leaves no module changed: what it spies on is restored when it ends.
    isolate: false,
    tags: Object.entries(tags).map(([name, description]) => ({ name: name as keyof typeof tags, description })),
    provide: {
      isShort: mode === 'short',
      attackRequests: Number(process.env.ATTACK_REQUESTS ?? (mode === 'short' ? 60 : 600)),
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          globalSetup: 'test/support/sqlite.ts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/database/postgresql/**', 'test/blitz/postgresql/**', 'test/cluster/**', ...alone],
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, isolate: true },
      },
      {
        // What is about the domain and the API, once more.
        extends: true,
        test: {
          name: 'postgresql',
          globalSetup: 'test/support/postgresql.ts',
          include: [
            'test/database/*.test.ts',
            'test/database/postgresql/**/*.test.ts',
            'test/accounts/**/*.test.ts',
            'test/blitz/*.test.ts',
            'test/events/**/*.test.ts',
            'test/blitz/postgresql/**/*.test.ts',
            'test/maintenance/**/*.test.ts',
            'test/transfer/**/*.test.ts',
            'test/users/**/*.test.ts',
            'test/graphql/**/*.test.ts',
            'test/mail/**/*.test.ts',
            'test/http/credentials.test.ts',
            'test/http/front-door.test.ts',
            'test/secrets.test.ts',
          ],
          exclude: withoutDatabase,
        },
      },
      {
        // Several servers on one PostgreSQL of their own, of which they kill some.
        extends: true,
        test: { name: 'cluster', include: ['test/cluster/**/*.test.ts'] },
      },
    ],
  },
}));
