/** @module-tag slow/process */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config/config.ts';
import { databaseExists, openDatabase } from '../src/database/database.ts';
import { createEncryptionKey } from '../src/encryption/keys.ts';
import { password, startApi } from './support/api.ts';
import { blitzFile } from './support/blitz.ts';
import { emptyDatabase, temporaryFolder } from './support/database.ts';
import { encryptionKeysOf } from './support/encryption-keys.ts';
import { runNode } from './support/process.ts';
import { addApp, startApp } from './support/second-factor.ts';

function cli(url: string, args: string[], input?: string, env: Record<string, string> = {}) {
  return runNode('src/cli.ts', args, { DATABASE_URL: url, ...env }, { input }).ended;
}

describe('command line', () => {
  it('prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(await cli(await emptyDatabase(), ['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('exits with 2 on wrong usage', async () => {
    const url = await emptyDatabase();
    const calls = [
      [],
      ['bogus'],
      ['create-user'],
      ['import-users'],
      ['revoke'],
      ['revoke', 'h', '--user', 'a@b.c'],
      ['revoke', '--all', '--user', 'a@b.c'],
      ['backup'],
      ['restore'],
      ['prune', '--x'],
      ['migrate', '--sql'],
      ['service-client', 'create', 'my-api'],
      ['service-client', 'create', 'my-api', '--scope', 'everything'],
      ['service-client', 'revoke'],
      ['adopt', '--hash-plaintext', '--reset-plaintext'],
    ];
    for (const args of calls) expect((await cli(url, args)).code, args.join(' ')).toBe(2);
  });

  it('exits with 1 and a sentence on a wrong configuration', async () => {
    const { code, stderr } = await cli('file:', ['migrate']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DATABASE_URL is "file:…", but it must be .*\n$/);
  });
});

describe('misspelled name of a setting', () => {
  it('stops the command line and the server, also if it is in .env', async () => {
    const env = { ALOWED_ORIGINS: 'https://app.example.com' };
    const sentence = /^ALOWED_ORIGINS is not a setting\. Did you mean ALLOWED_ORIGINS\? .*\n$/;
    const url = await emptyDatabase();
    expect(await cli(url, ['migrate'], undefined, env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(sentence),
    });
    const server = runNode('src/main.ts', [], { DATABASE_URL: url, PORT: '0', ...env });
    expect(await server.ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(sentence) });
    const folder = await temporaryFolder();
    await writeFile(join(folder, '.env'), `ALOWED_ORIGINS=https://app.example.com\nDATABASE_URL=${url}\n`);
    const inFolder = runNode(join(process.cwd(), 'src/main.ts'), [], { PORT: '0' }, { wrapper: ['env', '-C', folder] });
    expect(await inFolder.ended).toMatchObject({ code: 1, stderr: expect.stringMatching(sentence) });
  });
});

describe('create-user', () => {
  it('creates a user who can log in, with a password from standard input', async () => {
    const api = await startApi();
    const created = await cli(api.url, ['create-user', 'Ada@Example.com', '--name', 'Ada'], `${password}\n`);
    expect(created).toEqual({ code: 0, stdout: 'Created ada@example.com, with the role user.\n', stderr: '' });
    const ada = api.client();
    await ada.login('ada@example.com');
    expect(await ada.ask('{ viewer { name role } }')).toEqual({ viewer: { name: 'Ada', role: 'user' } });
  });

  it('refuses what sign-up refuses, and takes no password as an argument', async () => {
    const url = await emptyDatabase();
    expect(await cli(url, ['create-user', 'ada@example.com'], 'short')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('at least 15 characters'),
    });
    expect(await cli(url, ['create-user', 'ada'], password)).toMatchObject({ code: 1 });
    expect(await cli(url, ['create-user', 'a@b.cd', '--role', 'a b'], password)).toMatchObject({ code: 1 });
    expect(await cli(url, ['create-user', 'ada@example.com', password])).toMatchObject({ code: 2 });
    await cli(url, ['create-user', 'ada@example.com'], password);
    expect(await cli(url, ['create-user', 'ADA@example.com'], password)).toMatchObject({
      code: 1,
      stderr: 'There is a user with the address ada@example.com already, with the role user.\n',
    });
  });
});

describe('create-admin', () => {
  it('creates an administrator with the first role of ADMIN_ROLES', async () => {
    const api = await startApi({ adminRoles: ['chief', 'admin'] });
    const env = { ADMIN_ROLES: 'chief,admin' };
    expect((await cli(api.url, ['create-admin', 'root@example.com'], password, env)).code).toBe(0);
    const ada = await api.signUp('ada@example.com');
    const { viewer } = await ada.ask('{ viewer { id } }');
    const root = api.client();
    await root.login('root@example.com');
    expect(await root.ask(`{ node(id: "${viewer.id}") { ... on User { email } } }`)).toEqual({
      node: { email: 'ada@example.com' },
    });
  });

  it('names the command that promotes an existing user, before it reads a password', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    expect(await cli(api.url, ['create-admin', 'Ada@example.com'], '')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'There is a user with the address ada@example.com already. To change the role: user set-role ada@example.com admin\n',
    });
    expect(await cli(api.url, ['user', 'set-role', 'ada@example.com', 'admin'])).toMatchObject({ code: 0 });
    const again = await cli(api.url, ['create-admin', 'ada@example.com'], '');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('already, with the role admin.') });
  });

  it('mails a link to choose a password with --invite', async () => {
    const api = await startApi();
    const invited = await cli(api.url, ['create-admin', 'root@example.com', '--invite']);
    expect(invited).toMatchObject({ code: 0, stdout: expect.stringMatching(/role admin\. A mail has the link/) });
    expect(await api.database.mail.findMany()).toMatchObject([
      { template: 'set-password', recipient: 'root@example.com' },
    ]);
    expect(await api.database.user.findFirst()).toMatchObject({ role: 'admin', hashedPassword: null });
  });
});

const people = [
  { email: 'ada@example.com', name: 'Ada', role: 'admin', createdAt: '1999-12-31T23:59:59.999Z' },
  { email: 'bob@example.com', emailVerifiedAt: '2024-02-29T00:00:00.001Z' },
];
const linesOf = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('import-users', () => {
  it('creates the users of a file, once for any number of runs, and the database on the first run', async () => {
    const folder = await temporaryFolder();
    const url = `${await emptyDatabase()}.new`;
    const file = join(folder, 'users.jsonl');
    await writeFile(file, linesOf(...people));
    const none = { code: 0, stderr: '' };
    const rehearsed = await cli(url, ['import-users', file, '--dry-run']);
    expect(rehearsed).toEqual({
      ...none,
      stdout: 'Would import 2 users. 0 existed already. 0 lines were refused.\n',
    });
    expect(await databaseExists(url)).toBe(false);
    const first = await cli(url, ['import-users', file]);
    expect(first).toEqual({ ...none, stdout: 'Imported 2 users. 0 existed already. 0 lines were refused.\n' });
    const second = await cli(url, ['import-users', '-'], await readFile(file, 'utf8'));
    expect(second).toEqual({ ...none, stdout: 'Imported 0 users. 2 existed already. 0 lines were refused.\n' });
  });

  it('lets users with an imported hash log in, while the server runs', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const { hashedPassword } = await api.database.user.findUniqueOrThrow({ where: { email: 'ada@example.com' } });
    const imported = await cli(api.url, ['import-users', '-'], linesOf({ email: 'bob@example.com', hashedPassword }));
    expect(imported.code).toBe(0);
    expect(await api.client().login('bob@example.com')).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('reports lines that it refuses or that differ, imports the others, and exits with 1', async () => {
    const url = await emptyDatabase();
    const report = join(await temporaryFolder(), 'report.jsonl');
    await cli(url, ['import-users', '-'], linesOf(people[0] ?? {}));
    const lines = `${linesOf({ ...people[0], name: 'Lovelace' }, { email: 'eve@example.com', password: 's3cret' })}x\n`;
    const mixed = lines + linesOf(...people);
    const ended = await cli(url, ['import-users', '-', '--report', report], mixed);
    expect(ended).toEqual({
      code: 1,
      stdout: 'Imported 1 user. 2 existed already, 1 of them different. 2 lines were refused.\n',
      stderr: expect.stringMatching(
        /^Line 2: password is not imported.*\nLine 3: .* JSON object\.\nLine 1: .* name\.\n$/,
      ),
    });
    expect(ended.stderr).not.toContain('s3cret');
    const reported = (await readFile(report, 'utf8')).trimEnd().split('\n');
    expect(reported.map((line) => JSON.parse(line))).toEqual([
      { line: 2, refused: expect.stringContaining('password is not imported') },
      { line: 3, refused: 'The line is not a JSON object.' },
      { line: 1, differs: ['name'] },
    ]);
  });

  it('names a file that it cannot read or write, and then does nothing', async () => {
    const url = await emptyDatabase();
    const folder = await temporaryFolder();
    const missing = join(folder, 'missing', 'x');
    expect(await cli(url, ['import-users', missing])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/cannot be read: .*\n$/),
    });
    const unreported = await cli(url, ['import-users', '-', '--report', missing], linesOf(...people));
    expect(unreported).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot be written: .*\n$/) });
    expect(await cli(url, ['export-users', missing])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be written: .*\n$/),
    });
    expect((await cli(url, ['export-users'])).stdout).toBe('');
  });
});

describe('export-users', () => {
  it('writes a complete file that only its owner can read, with hashes only on request', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const folder = await temporaryFolder();
    const file = join(folder, 'users.jsonl');
    await writeFile(file, 'what was there before', { mode: 0o644 });
    const exported = await cli(api.url, ['export-users', file]);
    expect(exported).toEqual({ code: 0, stdout: '', stderr: 'Exported 1 user.\n' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['users.jsonl']);
    const text = await readFile(file, 'utf8');
    expect(JSON.parse(text)).toMatchObject({ email: 'ada@example.com', role: 'user', suspendedAt: null });
    expect(text).not.toContain('hashedPassword');
    const { stdout } = await cli(api.url, ['export-users', '--with-password-hashes']);
    const { hashedPassword } = await api.database.user.findFirstOrThrow();
    expect(JSON.parse(stdout)).toEqual({ ...JSON.parse(text), hashedPassword });
  });

  it('writes the secrets of authenticator apps only on request, and with the keys of the server', async () => {
    const url = await emptyDatabase();
    const env = { ENCRYPTION_KEYS: createEncryptionKey() };
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    const line = linesOf({ email: 'ada@example.com', totp: `otpauth://totp/ada?secret=${secret}` });
    const withoutKeys = await cli(url, ['import-users', '-'], line);
    expect(withoutKeys).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Line 1 has totp, but ENCRYPTION_KEYS/),
    });
    expect(await cli(url, ['import-users', '-'], line, env)).toMatchObject({ code: 0, stderr: '' });
    expect((await cli(url, ['export-users'], undefined, env)).stdout).not.toContain(secret);
    const { stdout } = await cli(url, ['export-users', '--with-factors'], undefined, env);
    expect(JSON.parse(stdout)).toMatchObject({ email: 'ada@example.com', totp: { secret, digits: 6 } });
    const undecrypted = await cli(url, ['export-users', '--with-factors']);
    expect(undecrypted).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^ENCRYPTION_KEYS is not/),
    });
  });
});

describe('revoke', () => {
  it('ends one session by its handle, or all of a user, while the server runs', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const phone = api.client();
    const { session } = await phone.login('ada@example.com', 'BEARER');
    expect(await cli(api.url, ['revoke', session.handle])).toMatchObject({ code: 0 });
    expect(await phone.ask('{ viewer { id } }')).toEqual({ viewer: null });
    const again = await cli(api.url, ['revoke', session.handle]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('had already ended') });
    const all = await cli(api.url, ['revoke', '--user', 'ADA@example.com']);
    expect(all).toMatchObject({ code: 0, stdout: 'Ended 1 session of ada@example.com.\n' });
    expect(await ada.ask('{ viewer { id } }')).toEqual({ viewer: null });
  });

  it('exits with 1 if there is no such session or user', async () => {
    const url = await emptyDatabase();
    expect(await cli(url, ['revoke', 'nope'])).toMatchObject({ code: 1, stderr: 'There is no such session.\n' });
    expect(await cli(url, ['revoke', '--user', 'x@y.zz'])).toMatchObject({
      code: 1,
      stderr: 'There is no such user.\n',
    });
  });
});

describe('prune', () => {
  it('deletes sessions that ended longer ago than the retention, and nothing else', async () => {
    const url = await emptyDatabase();
    const database = await openDatabase(url);
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    const expiries = [...Array.from({ length: 1_234 }, () => daysAgo(31)), daysAgo(29), daysAgo(-1)];
    await database.session.createMany({
      data: expiries.map((expiresAt, index) => ({ handle: `h${index}`, hashedSessionToken: 't', expiresAt })),
    });
    expect(await cli(url, ['prune', '--dry-run'])).toMatchObject({ stdout: 'Would delete 1234 sessions.\n' });
    expect(await database.session.count()).toBe(1_236);
    expect(await cli(url, ['prune'])).toMatchObject({ code: 0, stdout: 'Deleted 1234 sessions.\n' });
    expect(await database.session.count()).toBe(2);
    await cli(url, ['prune'], undefined, { SESSION_RETENTION: '28d' });
    expect(await database.session.count()).toBe(1);
    await database.$disconnect();
  });
});

describe('widen-ids', () => {
  it('has nothing to do on SQLite', async () => {
    const widened = await cli(await emptyDatabase(), ['widen-ids']);
    expect(widened).toEqual({ code: 0, stdout: 'The ids have 64 bits.\n', stderr: '' });
  });
});

describe('create-service-key', () => {
  it('prints a key, and the hash for the configuration of the server', async () => {
    const { stdout } = await cli(await emptyDatabase(), ['create-service-key']);
    const [, key = '', hash = ''] = /x-service-key: +(\S+)\n.*SERVICE_KEYS: +(\S+)\n/.exec(stdout) ?? [];
    const api = await startApi({ hashedServiceKeys: readConfig({ SERVICE_KEYS: hash }).hashedServiceKeys });
    const ada = await api.signUp('ada@example.com');
    const { errors } = await ada.send('{ currentSession { privateData } }', {}, { 'x-service-key': key });
    expect(errors).toBeUndefined();
  });
});

describe('service-client', () => {
  it('creates, lists, rotates, disables and revokes a service client, while the server runs', async () => {
    const api = await startApi();
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await cli(api.url, ['service-client', ...args]);
      expect([args, code, stderr]).toEqual([args, 0, '']);
      return stdout;
    };
    const isAccepted = async (key: string) =>
      (await api.client().send('{ __typename }', {}, { 'x-service-key': key })).status === 200;
    const created = JSON.parse(await run('create', 'my-api', '--scope', 'introspect', 'users:read', '--json'));
    expect(created).toEqual({
      clientId: expect.stringMatching(/^[0-9a-f]{32}$/),
      clientSecret: expect.stringContaining(`gqk_${created.clientId}.`),
    });
    expect(await run('list')).toContain(`my-api  ${created.clientId}  introspect users:read  never used`);
    const rotated = JSON.parse(await run('rotate', created.clientId, '--json'));
    expect(await Promise.all([created.clientSecret, rotated.clientSecret].map(isAccepted))).toEqual([true, true]);
    await run('retire', 'my-api');
    expect(await Promise.all([created.clientSecret, rotated.clientSecret].map(isAccepted))).toEqual([false, true]);
    await run('disable', 'my-api');
    expect(JSON.parse(await run('list', '--json'))).toMatchObject([{ name: 'my-api', disabledAt: expect.any(String) }]);
    expect(await isAccepted(rotated.clientSecret)).toBe(false);
    await run('enable', 'my-api');
    expect(await isAccepted(rotated.clientSecret)).toBe(true);
    expect(await run('revoke', 'my-api')).toBe('Deleted: my-api.\n');
    expect(await isAccepted(rotated.clientSecret)).toBe(false);
    expect(await cli(api.url, ['service-client', 'revoke', 'my-api'])).toMatchObject({
      code: 1,
      stderr: 'There is no such service client.\n',
    });
  });
});

describe('create-encryption-key', () => {
  it('prints only the key to standard output, in the form of ENCRYPTION_KEYS', async () => {
    const { stdout } = await cli(await emptyDatabase(), ['create-encryption-key']);
    expect(readConfig({ ENCRYPTION_KEYS: stdout }).encryptionKeys).toHaveLength(1);
  });
});

describe('reencrypt-secrets', () => {
  it('encrypts all secrets with the first key, and names the keys that are still needed', async () => {
    const [old, next] = [createEncryptionKey(), createEncryptionKey()];
    const idOf = (key: string) => key.slice(0, 8);
    const api = await startApi({ encryptionKeys: encryptionKeysOf(old) });
    const ada = await api.signUp('ada@example.com');
    await addApp(api, ada);
    const run = (keys: string) => cli(api.url, ['reencrypt-secrets'], undefined, { ENCRYPTION_KEYS: keys });
    const lost = await run(next);
    expect(lost).toMatchObject({ code: 1, stdout: `${idOf(old)}  1 authenticator app\n${idOf(old)}  1 signing key\n` });
    expect(lost.stderr).toContain(`ENCRYPTION_KEYS lacks the key "${idOf(old)}"`);
    const stdout = `${idOf(next)}  1 authenticator app\n${idOf(next)}  1 signing key\n`;
    expect(await run(`${next},${old}`)).toEqual({ code: 0, stdout, stderr: '' });
    expect(await run(next)).toEqual({ code: 0, stdout, stderr: '' });
    // It waits for its first code.
    await startApp(api, ada);
    const waiting = await run(`${next},${old}`);
    expect(waiting).toMatchObject({
      code: 1,
      stdout: `${stdout.split('\n')[0]}\n${idOf(old)}  1 new authenticator app\n${stdout.split('\n')[1]}\n`,
    });
    expect(waiting.stderr).toMatch(`Secrets still need the key ${idOf(old)}.`);
    expect((await run('')).stderr).toMatch(/^ENCRYPTION_KEYS is not set\./);
  });
});

describe('delete-signing-keys', () => {
  it('deletes the keys, also without the encryption key, and the server makes a new one', async () => {
    const api = await startApi({ encryptionKeys: encryptionKeysOf() });
    const before = await api.signingKeys?.jwks();
    expect(await cli(api.url, ['delete-signing-keys'])).toEqual({
      code: 0,
      stdout: 'Deleted 1 signing key.\n',
      stderr: '',
    });
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    expect(await api.signingKeys?.jwks()).not.toBe(before);
    expect(await api.database.signingKey.count()).toBe(1);
  });
});

describe('adopt', () => {
  it('reports on a database of Blitz.js, and changes nothing without --apply', async () => {
    const url = await blitzFile('after');
    const before = await readFile(url.slice('file:'.length));
    const { code, stdout } = await cli(url, ['adopt']);
    expect(code).toBe(0);
    expect(stdout).toContain('A Blitz.js database, at the migration 20200704181258');
    expect(stdout).toContain(
      '5 users: 4 with a password that stays valid, 0 without a password, 1 with a password in plain text',
    );
    expect(stdout).toContain('10 sessions: 5 live, 1 ended, 3 anonymous, 1 of deleted users');
    expect(await cli(url, ['adopt', '--apply'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^1 password is stored as plain text.*--hash-plaintext.*--reset-plaintext.*\n$/),
    });
    expect(await readFile(url.slice('file:'.length))).toEqual(before);
  });

  it('adopts it, names the backup, and has nothing to do the second time', async () => {
    const url = await blitzFile('after');
    const done = await cli(url, ['adopt', '--apply', '--hash-plaintext']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(
      /Session: 10 → 10\n.*Backup of the unchanged database: \S+after\.db\.before-adoption-\S+\nThe backup contains passwords in plain text\..*\n$/s,
    );
    const after = await readFile(url.slice('file:'.length));
    const again = await cli(url, ['adopt', '--apply', '--hash-plaintext']);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('already belongs to this server') });
    expect(await readFile(url.slice('file:'.length))).toEqual(after);
    expect(await cli(url, ['migrate'])).toMatchObject({ stdout: 'The database is up to date.\n' });
  });
});

describe('commands without a database', () => {
  it('say so, and create none', async () => {
    const url = `${await emptyDatabase()}.mistyped`;
    const { code, stderr } = await cli(url, ['revoke', '--user', 'ada@example.com']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('but there is no database') });
    expect(await databaseExists(url)).toBe(false);
    expect(await cli(url, ['create-user', 'ada@example.com'], password)).toMatchObject({ code: 0 });
  });
});

describe('migrate and print-schema', () => {
  it('report their results', async () => {
    const url = `${await emptyDatabase()}.new`;
    expect(await cli(url, ['migrate'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Migrated 2020') });
    expect(await cli(url, ['migrate'])).toMatchObject({ code: 0, stdout: 'The database is up to date.\n' });
    const { stdout } = await cli(url, ['print-schema']);
    expect(stdout).toContain('type Mutation');
    const subgraph = await cli(url, ['print-schema', '--subgraph']);
    expect(subgraph.stdout).toMatch(/^extend schema @link\(.*^type User implements Node @key\(fields: "id"\) \{$/ms);
  });

  it('print the plan of a migration, for people and for programs', async () => {
    const url = `${await emptyDatabase()}.new`;
    const text = await cli(url, ['migrate', '--dry-run']);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(
      /^20200627163756_users_and_sessions {2}in a transaction\n {2}User {2}NEW\n {2}Session {2}NEW\n.*\nWould apply \d+ migrations\.\n$/s,
    );
    expect((await cli(url, ['migrate', '--dry-run', '--sql'])).stdout).toContain('\n    CREATE TABLE "User" (\n');
    const json = await cli(url, ['migrate', '--dry-run', '--json']);
    expect(JSON.parse(json.stdout)[0]).toEqual({
      name: '20200627163756_users_and_sessions',
      mode: 'TRANSACTION',
      hasCode: false,
      tables: [
        { name: 'User', lock: 'NEW', rows: null, bytes: null },
        { name: 'Session', lock: 'NEW', rows: null, bytes: null },
      ],
    });
    expect(await databaseExists(url)).toBe(false);
    await cli(url, ['migrate']);
    expect(await cli(url, ['migrate', '--dry-run'])).toMatchObject({
      code: 0,
      stdout: 'The database is up to date.\n',
    });
  });
});

describe('user, audit and mails', () => {
  async function setUp() {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.signUp('bob@example.com', 'BEARER');
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await cli(api.url, args, undefined, { APP_URL: 'https://app.example.com' });
      expect([args, code, stderr]).toEqual([args, 0, '']);
      return stdout;
    };
    return { api, ada, run };
  }

  it('list and show users, with their sessions and events, and never with a secret', async () => {
    const { api, run } = await setUp();
    const list = JSON.parse(await run('user', 'list', '--json'));
    expect(list.map(({ email }: { email: string }) => email)).toEqual(['bob@example.com', 'ada@example.com']);
    expect(JSON.parse(await run('user', 'list', '--search', 'ADA', '--json'))).toHaveLength(1);
    expect(JSON.parse(await run('user', 'list', '--role', 'admin', '--json'))).toEqual([]);
    expect(await run('user', 'list', '--limit', '1')).toMatch(
      /^2 {2}bob@example\.com {2}user {2}since \S+ {2}address not/,
    );
    const session = await api.database.session.findFirstOrThrow();
    const shown = JSON.parse(await run('user', 'show', '1', '--json'));
    expect(shown).toMatchObject({
      email: 'ada@example.com',
      hasPassword: true,
      sessions: [{ handle: session.handle }],
    });
    expect(shown.events[0].type).toBe('SIGNED_UP');
    await api.database.user.update({ where: { id: 1 }, data: { username: 'lovelace', usernameKey: 'lovelace' } });
    expect(await run('user', 'show', 'LoveLace')).toMatch(/^1 {2}ada@example\.com {2}username lovelace {2}user {2}/);
    const text = await run('user', 'show', 'ADA@example.com');
    expect(text).toContain('1 live session:\n');
    for (const output of [JSON.stringify(shown), text]) {
      expect(output).not.toContain('$argon2');
      expect(output).not.toContain(session.hashedSessionToken);
    }
  });

  it('list and show sessions, also ended ones, by user and state', async () => {
    const { api, run } = await setUp();
    const [adas, bobs] = await api.database.session.findMany({ orderBy: { id: 'asc' } });
    await run('revoke', '--user', '1');
    await api.client().ask('mutation { startSession(transport: BEARER) { token } }');
    const list = async (...args: string[]) =>
      JSON.parse(await run('session', 'list', ...args, '--json')).map(({ handle }: { handle: string }) => handle);
    expect(await list('--state', 'live', '--user', 'bob@example.com')).toEqual([bobs?.handle]);
    expect(await list('--state', 'ended')).toEqual([adas?.handle]);
    expect(await list('--anonymous')).toHaveLength(1);
    expect(await list('--limit', '2')).toHaveLength(2);
    const ended = { userId: '1', state: 'ENDED', endReason: 'REVOKED_BY_ADMIN' };
    const { session } = JSON.parse(await run('session', 'show', adas?.handle ?? '', '--json'));
    expect(session).toMatchObject({ handle: adas?.handle, ...ended });
    expect(await run('session', 'list', '--user', '1')).toMatch(/ {2}user 1 {2}.*ended: REVOKED_BY_ADMIN\n$/);
    expect((await cli(api.url, ['session', 'show', 'nope'])).stderr).toBe('There is no such session.\n');
  });

  it('change the role of an existing user, who then may administrate', async () => {
    const { ada, run } = await setUp();
    expect((await ada.send('{ users { totalCount } }')).code).toBe('FORBIDDEN');
    expect(await run('user', 'set-role', 'ada@example.com', 'admin')).toBe('ada@example.com has the role admin.\n');
    expect((await ada.ask('{ users { totalCount } }')).users.totalCount).toBe(2);
  });

  it('correct the address of an account that somebody took over by its mailbox', async () => {
    const { api, ada, run } = await setUp();
    await api.client().ask('mutation { requestPasswordReset(email: "ada@example.com") { email } }');
    await run('user', 'reset-link', 'ada@example.com');
    expect(await run('user', 'set-email', '1', ' Ada@New.example.com ')).toBe(
      'ada@example.com has the address ada@new.example.com.\n',
    );
    const user = await api.database.user.findUniqueOrThrow({ where: { id: 1n } });
    expect(user).toMatchObject({ email: 'ada@new.example.com', emailVerifiedAt: null });
    expect(await api.database.userToken.count({ where: { purpose: 'RESET_PASSWORD' } })).toBe(0);
    expect(await run('mails')).toMatch(/^\d+ {2}email-changed {2}ada@example\.com/m);
    expect(await run('mails')).not.toContain('reset-password');
    expect(await run('audit', '--type', 'EMAIL_CHANGED')).toMatch(/EMAIL_CHANGED {2}user 1$/m);
    expect((await api.client().login('ada@new.example.com')).__typename).toBe('SignInPayload');
    expect((await api.client().login('ada@example.com')).code).toBe('INVALID_CREDENTIALS');
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('ada@new.example.com');
    expect(await run('user', 'set-email', '1', 'ada@third.example.com', '--without-mail')).toContain('ada@third');
    expect(await run('mails')).not.toMatch(/email-changed +ada@new\.example\.com/);
    const refusals = [
      [['1', 'bob@example.com'], /is taken/],
      [['1', 'nobody'], /email must be an address/],
      [['4711', 'x@example.com'], /no such user/],
    ] as const;
    for (const [args, sentence] of refusals) {
      const { code, stderr } = await cli(api.url, ['user', 'set-email', ...args]);
      expect([code, stderr]).toEqual([1, expect.stringMatching(sentence)]);
    }
  });

  it('remove a password that a thief knows, so that only a link opens the account', async () => {
    const { api, ada, run } = await setUp();
    await run('user', 'suspend', 'ada@example.com');
    expect(await run('user', 'remove-password', 'ada@example.com')).toBe(
      'Removed the password of ada@example.com, and ended 0 sessions.\n',
    );
    await run('user', 'reinstate', 'ada@example.com');
    const token = (await run('user', 'reset-link', 'ada@example.com')).trim().replace(/^.*#token=/, '');
    expect((await api.client().login('ada@example.com')).code).toBe('INVALID_CREDENTIALS');
    expect((await ada.ask('{ viewer { email } }')).viewer).toBeNull();
    expect(await api.database.userToken.count({ where: { purpose: 'KNOWN_DEVICE', userId: 1n } })).toBe(0);
    const reset = `mutation ($token: String!) {
      resetPassword(token: $token, newPassword: "another battery staple") { __typename }
    }`;
    expect((await api.client().ask(reset, { token })).resetPassword.__typename).toBe('SignInPayload');
    expect(await run('audit', '--type', 'PASSWORD_REMOVED')).toMatch(/PASSWORD_REMOVED {2}user 1$/m);
  });

  it('suspend, reinstate and delete a user', async () => {
    const { api, ada, run } = await setUp();
    expect(await run('user', 'suspend', 'ada@example.com')).toBe('Suspended ada@example.com, and ended 1 session.\n');
    expect((await ada.ask('{ viewer { email } }')).viewer).toBeNull();
    expect(await run('user', 'list', '--suspended')).toContain('ada@example.com');
    await run('user', 'reinstate', '1');
    expect((await api.client().login('ada@example.com')).__typename).toBe('SignInPayload');
    const refused = await cli(api.url, ['user', 'delete', 'ada@example.com']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--yes')]);
    await run('user', 'delete', 'ada@example.com', '--yes');
    expect(await api.database.user.count()).toBe(1);
    const types = JSON.parse(await run('audit', '--user', '1', '--json')).map(({ type }: { type: string }) => type);
    expect(types).toEqual(expect.arrayContaining(['USER_DELETED', 'USER_SUSPENDED', 'USER_REINSTATED']));
    expect(await run('audit', '--type', 'SIGNED_UP')).toMatch(/SIGNED_UP {2}user 2/);
    expect(await run('mails')).toMatch(/account-deleted {2}ada@example\.com {2}due /);
  });

  it('unlock an account with too many failed attempts', async () => {
    const api = await startApi({ attempts: { perAccount: 1 } });
    await api.signUp('ada@example.com');
    for (let n = 0; n < 3; n += 1) await api.client().login('ada@example.com', 'BEARER', 'wrong');
    expect((await api.client().login('ada@example.com')).code).toBe('RATE_LIMITED');
    expect((await cli(api.url, ['user', 'unlock', 'ada@example.com'])).stdout).toBe('Unlocked ada@example.com.\n');
    expect((await api.client().login('ada@example.com')).__typename).toBe('SignInPayload');
  });

  it('make a link for a new password, which works once', async () => {
    const { api, run } = await setUp();
    const link = new URL((await run('user', 'reset-link', 'ada@example.com')).trim());
    expect([link.origin, link.pathname]).toEqual(['https://app.example.com', '/reset-password']);
    const token = link.hash.replace('#token=', '');
    const reset = `mutation ($token: String!) {
      resetPassword(token: $token, newPassword: "another battery staple") { __typename }
    }`;
    expect((await api.client().ask(reset, { token })).resetPassword.__typename).toBe('SignInPayload');
    expect((await api.client().ask(reset, { token })).resetPassword.__typename).toBe('TokenInvalidError');
  });

  it('exit with 1 and a sentence for a user that does not exist', async () => {
    const { api } = await setUp();
    for (const user of ['nobody@example.com', '4711', '9223372036854775807']) {
      expect(await cli(api.url, ['user', 'show', user])).toEqual({
        code: 1,
        stdout: '',
        stderr: 'There is no such user.\n',
      });
    }
    expect((await cli(api.url, ['user', 'list', '--limit', '0'])).code).toBe(2);
  });
});
