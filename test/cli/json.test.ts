/** @module-tag slow/process */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { blitzFile } from '../support/blitz.ts';
import { emptyDatabase, temporaryFolder } from '../support/database.ts';
import { runNode } from '../support/process.ts';

const password = 'correct horse battery staple';

function cli(url: string, args: string[], input?: string, env: Record<string, string> = {}) {
  return runNode('src/cli.ts', [...args, '--json'], { DATABASE_URL: url, ...env }, { input }).ended;
}

/** Runs a command that succeeds. Returns its result. */
async function resultOf(url: string, args: string[], input?: string) {
  const { code, stdout, stderr } = await cli(url, args, input);
  expect([args, code, stderr]).toEqual([args, 0, '']);
  return JSON.parse(stdout);
}

/** Runs a command that fails. Returns its exit code and its error. */
async function errorOf(url: string, args: string[], input?: string, env?: Record<string, string>) {
  const { code, stderr } = await cli(url, args, input, env);
  const { error, ...rest } = JSON.parse(stderr);
  expect(rest).toEqual({});
  return [code, error.code, error.message];
}

describe('--json', () => {
  it('prints the result of each command as one document, and nothing else', async () => {
    const url = await emptyDatabase();
    const folder = await temporaryFolder();
    const created = await resultOf(url, ['create-user', 'ada@example.com', '--name', 'Ada'], password);
    expect(created).toEqual({ user: expect.objectContaining({ email: 'ada@example.com', name: 'Ada', role: 'user' }) });
    expect(JSON.stringify(created)).not.toContain('$argon2');
    const admin = await resultOf(url, ['user', 'set-role', 'ada@example.com', 'admin']);
    expect(admin).toMatchObject({ user: { id: '1', role: 'admin' } });
    const { link } = await resultOf(url, ['user', 'reset-link', '1']);
    expect(link).toContain('/reset-password#token=');
    expect(await resultOf(url, ['revoke', '--user', '1'])).toEqual({ endedSessions: 0 });
    expect(await resultOf(url, ['prune', '--dry-run'])).toEqual({ deletedSessions: 0, isDryRun: true });
    const line = `${JSON.stringify({ email: 'bob@example.com' })}\n`;
    const counts = { imported: 1, present: 0, different: 0, refused: 0, isDryRun: false };
    expect(await resultOf(url, ['import-users', '-'], line)).toEqual(counts);
    const file = join(folder, 'users.jsonl');
    expect(await resultOf(url, ['export-users', file])).toEqual({ exportedUsers: 2 });
    const backup = await resultOf(url, ['backup', join(folder, 'backup.db')]);
    expect(backup).toMatchObject({ file: join(folder, 'backup.db'), users: 2, liveSessions: 0 });
    const restored = await resultOf(url, ['restore', join(folder, 'backup.db')]);
    expect(restored).toMatchObject({ users: 2, ended: { sessions: 0, linksAndDevices: 1 } });
    const deleted = await resultOf(url, ['user', 'delete', 'bob@example.com', '--yes']);
    expect(deleted).toMatchObject({ user: { email: 'bob@example.com' }, endedSessions: 0 });
  });

  it('prints keys, and the facts about a database of Blitz.js without its passwords', async () => {
    const url = await blitzFile('after');
    const before = await readFile(url.slice('file:'.length));
    const { found, adopted } = await resultOf(url, ['adopt']);
    expect(found).toMatchObject({ blitzVersion: '20200704181258', passwords: { plain: 1 }, sessions: { total: 10 } });
    expect(Object.keys(found)).not.toContain('plainPasswords');
    expect(adopted).toBeNull();
    expect(await readFile(url.slice('file:'.length))).toEqual(before);
    const { encryptionKey } = await resultOf(url, ['create-encryption-key']);
    const { serviceKey, hashedServiceKey } = await resultOf(url, ['create-service-key']);
    expect(serviceKey).toBeTypeOf('string');
    const config = readConfig({ ENCRYPTION_KEYS: encryptionKey, SERVICE_KEYS: hashedServiceKey });
    expect(config.encryptionKeys).toHaveLength(1);
  });

  it('prints why a command fails, with a code, on standard error', async () => {
    const url = await emptyDatabase();
    expect(await errorOf(url, ['user', 'show', '7'])).toEqual([1, 'USER_NOT_FOUND', 'There is no such user.']);
    const lines = 'x\n';
    expect(await errorOf(url, ['import-users', '-'], lines)).toEqual([
      1,
      'REFUSED',
      expect.stringContaining('refused'),
    ]);
    const settings = await errorOf(url, ['config'], undefined, { PORT: 'x', LOG_LEVEL: 'all' });
    expect(settings).toEqual([1, 'INVALID_SETTINGS', expect.stringMatching(/^PORT is .*\nLOG_LEVEL is /)]);
    expect(await errorOf(url, ['revoke'])).toEqual([
      2,
      'INVALID_USAGE',
      expect.stringMatching(/^Specify one of these/),
    ]);
    expect(await errorOf(url, ['revoke', '--bogus'])).toEqual([2, 'INVALID_USAGE', "unknown option '--bogus'"]);
  });
});
