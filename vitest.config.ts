import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

declare module 'vitest' {
  interface TestTags {
    tag: keyof typeof tags;
  }
  interface ProvidedContext {
    /** True in the run of `npm test`: tests that repeat something do it less often there. */
    isShort: boolean;
    /** The number of requests of each kind that the tests in test/attacks send. */
    attackRequests: number;
    /** The number of sign-ins whose challenges are answered at three nodes at once. 10,000 take six minutes. */
    challengeRaces: number;
  }
}

/**
 * The tags of tests. `npm test` leaves out those that begin with `slow/`, which take minutes; `npm run test:all` runs
 * everything.
 */
const tags = {
  repeated: 'something is repeated, less often in npm test',
  'slow/durability': 'processes are killed, disks fill up, the power fails: acknowledged writes survive',
  'slow/process': 'the server and the command line, started as users start them',
  'slow/package': 'the package is built, installed by npm into an empty folder, and used there',
  'slow/image': 'the container image is built and run, and so are the other files of deploy/',
  'slow/browser': 'pages in Chromium',
  'slow/takeover': 'changes of an account are made and undone, in every order',
  'slow/webhooks': 'receivers of webhooks are slow, down or broken, for simulated days',
  'slow/timing': 'durations are compared, or real time has to pass',
  'slow/cluster': 'several servers on one database',
  'slow/migration': 'migrations of PostgreSQL: beside servers, interrupted, and compared with those of Prisma’s engine',
  'slow/property': 'thousands of generated inputs',
  'slow/hashing': 'hashes that cost as much as they do in production, and those of other systems',
};

/** The tests that need their own process. */
const alone = ['test/passwords/hashing-pool.test.ts'];

/** Builds the package into `dist/`, as the test of the package does, so the two do not run at the same time. */
const image = 'test/deploy/image.test.ts';

/** The tests without a database, which need no second run. */
const withoutDatabase = [
  'test/blitz/{passwords,time}.test.ts',
  'test/graphql/{breaking-changes,schema}.test.ts',
  'test/monitoring/histogram.test.ts',
  'test/transfer/user-record.test.ts',
  'test/users/email.test.ts',
  'test/webhooks/{addresses,page,process}.test.ts',
];

/** The tests of the API. On PostgreSQL, `npm test` leaves them to `npm run test:api`, because they take a minute. */
const api = ['test/graphql/**/*.test.ts', 'test/accounts/sign-in.test.ts'];

export default defineConfig(({ mode }) => ({
  resolve: {
    // Vite would load graphql's ES modules beside the CommonJS ones that Yoga and Pothos load in Node; with two copies,
    // `instanceof GraphQLError` is silently false.
    alias: [
      { find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql/index.js') },
      // The examples of the library import it by its public name.
      { find: 'graphql-sessions/verify', replacement: fileURLToPath(new URL('src/verify/index.ts', import.meta.url)) },
    ],
  },
  test: {
    // Only for hanging tests: on a busy machine, a test takes many times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Two more than processors, because tests also wait: for the database, for other processes, and for time to pass.
    maxWorkers: availableParallelism() + 2,
    // The files that a worker runs share the modules of the server, which has warmed up by then. A test leaves no
    // module changed: its spies are restored when it ends.
    isolate: false,
    tags: Object.entries(tags).map(([name, description]) => ({ name: name as keyof typeof tags, description })),
    provide: {
      isShort: mode === 'short',
      attackRequests: Number(process.env.ATTACK_REQUESTS ?? (mode === 'short' ? 60 : 600)),
      challengeRaces: Number(process.env.CHALLENGE_RACES ?? (mode === 'short' ? 100 : 1_000)),
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          globalSetup: 'test/support/sqlite.ts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/database/postgresql/**', 'test/blitz/postgresql/**', 'test/cluster/**', image, ...alone],
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, isolate: true },
      },
      {
        extends: true,
        test: { name: 'image', include: [image], sequence: { groupOrder: 1 } },
      },
      {
        // The tests of the domain, a second time.
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
            'test/factors/**/*.test.ts',
            'test/blitz/postgresql/**/*.test.ts',
            'test/maintenance/**/*.test.ts',
            'test/security-events/**/*.test.ts',
            'test/signing-keys/**/*.test.ts',
            'test/transfer/**/*.test.ts',
            'test/users/**/*.test.ts',
            'test/verify/verifier.test.ts',
            'test/webhooks/**/*.test.ts',
            'test/mail/**/*.test.ts',
            'test/monitoring/**/*.test.ts',
            'test/server/**/*.test.ts',
            'test/http/credentials.test.ts',
            'test/http/front-door.test.ts',
            'test/http/ready.test.ts',
            'test/secrets.test.ts',
            'test/streams/{admin-events,sse}.test.ts',
          ],
          exclude: [...withoutDatabase, ...api],
        },
      },
      {
        extends: true,
        test: {
          name: 'postgresql-api',
          globalSetup: 'test/support/postgresql.ts',
          include: api,
          exclude: withoutDatabase,
        },
      },
      {
        // Several servers on one PostgreSQL of their own. Some tests kill servers.
        extends: true,
        test: { name: 'cluster', include: ['test/cluster/**/*.test.ts'] },
      },
    ],
  },
}));
