import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The rooms of src/ from the ground up, each with the npm packages that it may use. A room imports lower ones only. */
const rooms: Record<string, string[]> = {
  verify: [],
  generated: [],
  errors: [],
  json: [],
  diagnostics: [],
  background: [],
  log: ['pino'],
  encryption: [],
  database: [
    '@prisma/adapter-better-sqlite3',
    '@prisma/adapter-pg',
    '@prisma/driver-adapter-utils',
    'better-sqlite3',
    'dataloader',
    'lru-cache',
    'pg',
  ],
  scope: [],
  config: [],
  passwords: ['@node-rs/argon2', '@node-rs/bcrypt'],
  users: ['unicode-confusables'],
  tokens: [],
  'signing-keys': ['jose'],
  events: [],
  'service-clients': [],
  throttle: ['altcha-lib'],
  sessions: ['bowser', 'lru-cache'],
  'access-tokens': [],
  mail: ['mustache', 'nodemailer'],
  factors: ['@simplewebauthn/server', 'otpauth', 'uqr'],
  'security-events': [],
  webhooks: ['ipaddr.js', 'standardwebhooks'],
  transfer: [],
  maintenance: [],
  accounts: [],
  streams: [],
  graphql: [
    '@pothos/core',
    '@pothos/plugin-complexity',
    '@pothos/plugin-errors',
    '@pothos/plugin-prisma',
    '@pothos/plugin-relay',
    'dataloader',
    'graphql',
    'graphql-scalars',
    'graphql-yoga',
    'lru-cache',
  ],
  'trusted-documents': ['graphql', 'graphql-yoga', 'lru-cache'],
  http: ['@graphql-yoga/render-graphiql', 'graphql', 'graphql-ws', 'graphql-yoga', 'ws'],
  blitz: ['better-sqlite3', 'commander', 'jose', 'pg'],
  monitoring: [
    '@opentelemetry/api',
    '@opentelemetry/core',
    '@opentelemetry/otlp-transformer',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-trace',
    '@prometheus-io/client',
  ],
  server: ['graphql-yoga'],
  main: [],
  cli: ['@inquirer/password', 'cli-progress', 'commander'],
  'compile-cache': [],
  bin: [],
};
const names = Object.keys(rooms);

type Import = { from: string; to: string };

const files = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => /\.[jt]s$/.test(entry.name) && !entry.parentPath.startsWith('src/generated'))
  .map((entry) => join(entry.parentPath, entry.name));

/** Returns every import of a file, of types too, as the path of a file of ours or the name of a package. */
function importsOf(file: string): Import[] {
  const statements = /^(?:import|export)\b[^'"`]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;
  return [...readFileSync(file, 'utf8').matchAll(statements)].map(([, one, two, three]) => {
    const to = one ?? two ?? three ?? '';
    return { from: file, to: to.startsWith('.') ? normalize(join(dirname(file), to)) : to };
  });
}

function roomOf(file: string): string {
  return file.split('/')[1]?.replace(/\.[jt]s$/, '') ?? '';
}

/** Returns the problem of an import, or null. */
function problemOf({ from, to }: Import): string | null {
  const room = roomOf(from);
  if (!names.includes(room)) return `${room} is not in the list of rooms`;
  // For the version.
  if (to === 'package.json') return null;
  if (!to.includes('/') || !/^(src|scripts|test)\//.test(to)) return packageProblem(room, to);
  if (!to.startsWith('src/')) return `${from} imports ${to}, which is not part of the server`;
  if (onlyFor[to] && !onlyFor[to].includes(from)) return `${from} may not import ${to}`;
  const other = roomOf(to);
  if (other === room) return null;
  if (standalone.includes(room) || standalone.includes(other)) return `${from} imports ${to}, but they are separate`;
  if (names.indexOf(other) > names.indexOf(room)) return `${from} imports ${to}, which stands above it`;
  return null;
}

function packageProblem(room: string, specifier: string): string | null {
  if (specifier.startsWith('node:') && !standalone.includes(room)) return null;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return rooms[room]?.includes(name) ? null : `${room}/ may not use ${name}`;
}

/** Rooms that import nothing, also nothing of Node.js, and that nothing imports: they run in other programs. */
const standalone = ['verify'];

/** Modules that only these others may import, so that only one function starts the session of a user. */
const onlyFor: Record<string, string[]> = {
  'src/sessions/start-user-session.ts': ['src/accounts/sign-in.ts'],
  'src/sessions/create-session.ts': ['src/sessions/start-user-session.ts', 'src/sessions/start.ts'],
};

describe('rooms of src/', () => {
  it('import only lower rooms, and only their own packages', () => {
    const problems = files.flatMap(importsOf).map(problemOf);
    expect(problems.filter((problem) => problem !== null)).toEqual([]);
  });

  it('use every package that is allowed to them', () => {
    const used = files.flatMap(importsOf).map(({ from, to }) => `${roomOf(from)} ${to}`);
    const unused = Object.entries(rooms).flatMap(([room, packages]) =>
      packages.filter((name) => !used.some((one) => one === `${room} ${name}` || one.startsWith(`${room} ${name}/`))),
    );
    expect(unused).toEqual([]);
  });

  it.each([
    ['src/database/database.ts', 'src/mail/delivery.ts'],
    ['src/users/user.ts', 'src/mail/delivery.ts'],
    ['src/users/user.ts', 'src/blitz/adopt/adopt.ts'],
    ['src/sessions/resume.ts', 'src/blitz/tokens.ts'],
    ['src/http/routes/caller.ts', 'src/blitz/sessions.ts'],
    ['src/sessions/end.ts', 'src/mail/delivery.ts'],
    ['src/events/record.ts', 'src/mail/delivery.ts'],
    ['src/graphql/builder.ts', 'src/cli/progress.ts'],
    ['src/http/front-door.ts', 'src/server/open-server.ts'],
    ['src/errors.ts', 'src/http/front-door.ts'],
    ['src/tokens/token.ts', 'src/mail/delivery.ts'],
    ['src/encryption/encryption.ts', 'src/config/config.ts'],
    ['src/signing-keys/signing-keys.ts', 'src/maintenance/maintenance.ts'],
    ['src/access-tokens/claims.ts', 'src/graphql/node-id.ts'],
    ['src/users/user.ts', 'graphql'],
    ['src/sessions/end.ts', 'test/support/api.ts'],
    ['src/somewhere/new.ts', 'src/errors.ts'],
    ['src/accounts/login.ts', 'src/sessions/start-user-session.ts'],
    ['src/graphql/mutations/sign-in.ts', 'src/sessions/create-session.ts'],
    ['src/verify/errors.ts', 'src/errors.ts'],
    ['src/verify/verifier.ts', 'node:http'],
    ['src/http/request/cookies.ts', 'src/verify/cookies.ts'],
  ])('refuse an import from %s of %s', (from, to) => {
    expect(files.includes(from) || from.includes('somewhere')).toBe(true);
    expect(problemOf({ from, to })).not.toBeNull();
  });

  it('store sessions in one place', () => {
    const inserts = files.filter((file) =>
      /insert\([^)]*'Session'|\bsession\.(create\w*|upsert)\(|INTO "Session"/.test(readFileSync(file, 'utf8')),
    );
    expect(inserts).toEqual(['src/sessions/create-session.ts']);
  });

  it('mention Blitz.js only in its own room and where it is injected', () => {
    const plugs = ['src/server/open-server.ts', 'src/cli.ts'];
    const mentioning = files.filter((file) => /blitz/i.test(readFileSync(file, 'utf8')));
    expect(mentioning.filter((file) => roomOf(file) !== 'blitz' && !plugs.includes(file))).toEqual([]);
  });

  it('are all named in ARCHITECTURE.md', () => {
    const page = readFileSync('ARCHITECTURE.md', 'utf8');
    const found = new Set(files.map(roomOf));
    expect([...found].filter((room) => !page.includes(`${room}/`) && !page.includes(`${room}.`))).toEqual([]);
    expect(names.filter((name) => name !== 'generated' && !found.has(name))).toEqual([]);
  });

  it('have folders of at most twelve files of code', () => {
    const counts = new Map<string, number>();
    for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > 12)).toEqual([]);
  });
});
