/** @module-tag slow/cluster */
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { send } from '../support/load.ts';
import { onServer, startPostgresql, urlOf } from '../support/postgresql-server.ts';
import { runNode, startServer } from '../support/process.ts';

const page = readFileSync('docs/database-roles.md', 'utf8');

/** The SQL blocks of the page, in their order. */
const [createRoles = '', inDatabase = '', afterMigration = '', fromOneRole = ''] = [
  ...page.matchAll(/```sql\n(.*?)```/gs),
].map(([, sql]) => sql ?? '');

/** Returns the URL of a database for a role, with the password that the page gives it. */
function urlFor(url: string, role: string, database = 'sessions'): string {
  const other = new URL(urlOf(url, database));
  other.username = role;
  other.password = new RegExp(`CREATE ROLE ${role} LOGIN PASSWORD '([^']+)'`).exec(page)?.[1] ?? '';
  return other.href;
}

/** Runs statements one after another: CREATE DATABASE runs in no transaction. */
async function runEach(url: string, sql: string): Promise<void> {
  for (const statement of sql.split(/;\n/).filter((one) => one.trim())) await onServer(url, statement);
}

async function command(url: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runNode('src/cli.ts', args, { DATABASE_URL: url }).ended;
  expect(`${code} ${stderr}`).toBe('0 ');
  return stdout;
}

const account = '(email: "ada@example.com", password: "correct horse battery staple", transport: BEARER)';

/** Signs up, logs in, reads, ends a session. */
async function useServer(url: string): Promise<void> {
  const { address, child, ended } = await startServer(url);
  const signedUp = await send(address, `mutation { signUp${account} { ... on SignInPayload { token } } }`);
  const { token } = signedUp.body.data.signUp;
  const login = await send(address, `mutation { login${account} { ... on SignInPayload { token } } }`);
  expect(login.body.data.login.token).toMatch(/^gqs_/);
  const read = await send(address, '{ viewer { auditEvents(first: 2) { edges { node { type } } } } }', token);
  expect(read.body.data.viewer.auditEvents.edges).toHaveLength(2);
  const { body } = await send(address, 'mutation { revokeOthers { revokedSessionIds } }', token);
  expect(body.data.revokeOthers.revokedSessionIds).toHaveLength(1);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
}

const definitions = [
  'CREATE TABLE x (id int)',
  'CREATE TEMP TABLE x (id int)',
  'DROP TABLE "Mail"',
  'ALTER TABLE "User" ADD COLUMN x int',
  'TRUNCATE "User"',
  'DELETE FROM _prisma_migrations',
  'CREATE ROLE x',
];

/** Expects that a role may change no definition. */
async function expectToServeOnly(url: string): Promise<void> {
  for (const sql of definitions) {
    await expect(onServer(url, sql), sql).rejects.toMatchObject({ code: '42501' });
  }
}

describe('docs/database-roles.md', () => {
  it('lets one role migrate, and another one serve without the right to change tables', async () => {
    const postgresql = await startPostgresql();
    onTestFinished(() => postgresql.stop());
    await runEach(postgresql.url, createRoles);
    await onServer(urlOf(postgresql.url, 'sessions'), inDatabase);
    const owner = urlFor(postgresql.url, 'sessions_owner');
    const server = urlFor(postgresql.url, 'sessions_server');

    const early = await runNode('src/main.ts', [], { DATABASE_URL: server, PORT: '0' }).ended;
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('Run "graphql-sessions migrate" as the') });
    expect(await command(owner, 'migrate')).toMatch(/^Migrated /);
    await onServer(owner, afterMigration);

    await useServer(server);
    expect(await command(server, 'prune')).toBe('Deleted 0 sessions.\n');
    expect(await command(server, 'revoke', '--all')).toBe('Ended 1 session.\n');
    expect(await command(server, 'user', 'list')).toContain('ada@example.com');
    await expectToServeOnly(server);

    const backup = urlFor(postgresql.url, 'sessions_backup');
    expect(await onServer(backup, 'SELECT * FROM "User"')).toHaveLength(1);
    await expect(onServer(backup, 'DELETE FROM "User"')).rejects.toMatchObject({ code: '42501' });
  });

  it('moves a database from one role to two while a server runs', async () => {
    const postgresql = await startPostgresql();
    onTestFinished(() => postgresql.stop());
    await onServer(postgresql.url, "CREATE ROLE sessions LOGIN PASSWORD 'the-password'");
    await onServer(postgresql.url, 'CREATE DATABASE sessions OWNER sessions');
    const before = new URL(urlOf(postgresql.url, 'sessions'));
    Object.assign(before, { username: 'sessions', password: 'the-password' });
    const { address } = await startServer(before.href);
    const start = 'mutation { startSession(transport: BEARER) { token } }';
    expect((await send(address, start)).status).toBe(200);

    await runEach(postgresql.url, createRoles.replace(/CREATE DATABASE.*?;|REVOKE ALL ON DATABASE.*?;/gs, ''));
    await onServer(urlOf(postgresql.url, 'sessions'), fromOneRole);
    expect((await send(address, start)).body.data.startSession.token).toMatch(/^gqs_/);
    const server = urlFor(postgresql.url, 'sessions_server');
    await useServer(server);
    await expectToServeOnly(server);
    await onServer(urlOf(postgresql.url, 'sessions'), 'DROP OWNED BY sessions; DROP ROLE sessions');
  });
});
