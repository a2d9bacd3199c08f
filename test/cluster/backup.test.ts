/** @module-tag slow/cluster */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findAccount } from '../../scripts/check-failover/databases/machines.ts';
import { temporaryFolder } from '../support/database.ts';
import { putUnderLoad, send, underLoad } from '../support/load.ts';
import { freePort } from '../support/ports.ts';
import { onServer } from '../support/postgresql-server.ts';
import { runNode, startServer } from '../support/process.ts';

/** PostgreSQL as Debian installs it. The one of npm has no pg_dump. */
const root = '/usr/lib/postgresql';
const bin = (existsSync(root) ? readdirSync(root) : [])
  .map((version) => join(root, version, 'bin'))
  .findLast((folder) =>
    ['initdb', 'postgres', 'pg_basebackup', 'pg_dump', 'pg_restore'].every((name) => existsSync(join(folder, name))),
  );
const run = promisify(execFile);

/** Runs a program of PostgreSQL as the owner of the data. */
async function runAsOwner(name: string, args: string[]) {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' };
  return run(join(bin ?? '', name), args, { cwd: '/', env, ...findAccount() });
}

/** Returns a folder for data, which the owner of the data can write to. */
async function folderOfOwner(): Promise<string> {
  const folder = await temporaryFolder();
  const { uid, gid } = findAccount();
  await chmod(folder, 0o755);
  await chown(folder, uid, gid);
  return folder;
}

/** Starts PostgreSQL on a folder of data, which is created if there is none. Returns its URL. */
async function startDebianPostgresql(data: string, settings: string[] = []): Promise<string> {
  const auth = ['--username', 'postgres', '--auth', 'trust'];
  if (!existsSync(data)) await runAsOwner('initdb', ['--pgdata', data, ...auth]);
  const port = await freePort();
  const all = ['unix_socket_directories=', 'listen_addresses=127.0.0.1', ...settings].flatMap((one) => ['-c', one]);
  const child = spawn(join(bin ?? '', 'postgres'), ['-D', data, '-p', String(port), ...all], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    stdio: 'ignore',
    ...findAccount(),
  });
  onTestFinished(async () => {
    child.kill('SIGQUIT');
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(null)));
  });
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  const isWritable = () => onServer(url, 'SELECT pg_is_in_recovery() AS is').then(([row]) => row?.is === false);
  for (let tries = 0; tries < 300; tries += 1) {
    if (await isWritable().catch(() => false)) return url;
    await sleep(100);
  }
  throw new Error('PostgreSQL did not start.');
}

const start = 'mutation { startSession(transport: BEARER) { token session { handle } } }';
const current = '{ currentSession { handle } }';

describe('pg_dump and pg_restore', () => {
  it.skipIf(!bin)('back up and restore under docs/backup.md, and `revoke --all` ends what came back', async () => {
    const url = await startDebianPostgresql(join(await folderOfOwner(), 'data'));
    const file = join(await temporaryFolder(), 'sessions.dump');
    const server = await startServer(url, underLoad);
    const { token, session } = (await send(server.address, start)).body.data.startSession;
    const load = putUnderLoad([server.address]);
    await load.reach(20);
    const acknowledged = [...load.seen.started];
    await run(join(bin ?? '', 'pg_dump'), ['--format=custom', `--file=${file}`, url]);
    await load.reach(20);
    const { statuses } = await load.stop();
    expect([...statuses.keys()]).toEqual([200]);
    await send(server.address, 'mutation { logout { revokedSessionId } }', token);
    expect((await send(server.address, current, token)).body.data).toEqual({ currentSession: null });
    server.child.kill('SIGTERM');
    await server.ended;

    const flags = ['--clean', '--if-exists', '--single-transaction', '--no-owner', `--dbname=${url}`, file];
    await run(join(bin ?? '', 'pg_restore'), flags);
    // The session that was ended after the dump is live again: this is what the second command is for.
    const isLive = await onServer(
      url,
      `SELECT 1 FROM "Session" WHERE "handle" = '${session.handle}' AND "hashedSessionToken" IS NOT NULL`,
    );
    expect(isLive).toHaveLength(1);
    const restored = new Set((await onServer(url, 'SELECT "handle" FROM "Session"')).map(({ handle }) => handle));
    expect(acknowledged.filter((handle) => !restored.has(handle))).toEqual([]);
    const revoked = await runNode('src/cli.ts', ['revoke', '--all'], { DATABASE_URL: url }).ended;
    expect(revoked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Ended \d+ sessions\.\n$/) });

    const again = await startServer(url, underLoad);
    expect((await send(again.address, current, token)).body.data).toEqual({ currentSession: null });
    expect(await onServer(url, 'SELECT 1 FROM "Session" WHERE "hashedSessionToken" IS NOT NULL')).toEqual([]);
    expect((await send(again.address, start)).body.data.startSession.token).toMatch(/\./);
  });
});

describe('a base backup and the archived write-ahead log', () => {
  it.skipIf(!bin)('restore the moment before a mistake, and `revoke --all` ends what came back', async () => {
    const folder = await folderOfOwner();
    const [archive, base] = [join(folder, 'archive'), join(folder, 'base')];
    const { uid, gid } = findAccount();
    await mkdir(archive);
    await chown(archive, uid, gid);
    const archiving = ['archive_mode=on', `archive_command=cp %p ${archive}/%f`];
    const url = await startDebianPostgresql(join(folder, 'data'), archiving);
    const server = await startServer(url, underLoad);
    const begin = async () => (await send(server.address, start)).body.data.startSession;
    const before = await begin();
    await runAsOwner('pg_basebackup', ['--pgdata', base, '--dbname', url, '--checkpoint=fast']);
    const later = await begin();
    await onServer(url, `SELECT pg_create_restore_point('before')`);
    await send(server.address, 'mutation { logout { revokedSessionId } }', later.token);
    await onServer(url, `DELETE FROM "Session" WHERE "handle" = '${before.session.handle}'`);
    const [{ name } = { name: '' }] = await onServer(url, 'SELECT pg_walfile_name(pg_switch_wal()) AS name');
    await expect.poll(() => existsSync(join(archive, name))).toBe(true);
    server.child.kill('SIGTERM');
    await server.ended;

    await writeFile(join(base, 'recovery.signal'), '');
    const target = ['recovery_target_name=before', 'recovery_target_action=promote'];
    const recovered = await startDebianPostgresql(base, [`restore_command=cp ${archive}/%f %p`, ...target]);
    const live = await onServer(recovered, 'SELECT "handle" FROM "Session" WHERE "hashedSessionToken" IS NOT NULL');
    const handles = [before, later].map(({ session }) => session.handle);
    expect(live.map(({ handle }) => handle).sort()).toEqual(handles.sort());
    const revoked = await runNode('src/cli.ts', ['revoke', '--all'], { DATABASE_URL: recovered }).ended;
    expect(revoked).toMatchObject({ code: 0, stdout: 'Ended 2 sessions.\n' });
    const again = await startServer(recovered, underLoad);
    for (const { token } of [before, later]) {
      expect((await send(again.address, current, token)).body.data).toEqual({ currentSession: null });
    }
  });
});
