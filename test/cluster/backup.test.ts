/** @module-tag slow/cluster */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/database.ts';
import { putUnderLoad, send, underLoad } from '../support/load.ts';
import { freePort, onServer } from '../support/postgresql-server.ts';
import { runNode, startServer } from '../support/process.ts';

/** PostgreSQL as Debian installs it. The one of npm has no pg_dump. */
const root = '/usr/lib/postgresql';
const bin = (existsSync(root) ? readdirSync(root) : [])
  .map((version) => join(root, version, 'bin'))
  .findLast((folder) =>
    ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every((name) => existsSync(join(folder, name))),
  );
const run = promisify(execFile);

/** The user that owns the data: PostgreSQL does not run as root. */
async function ownerOfData(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

async function startDebianPostgresql(): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  const owner = await ownerOfData();
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  if (owner) await chown(data, owner.uid, owner.gid);
  const settings = { cwd: folder, ...owner, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' } };
  await run(join(bin ?? '', 'initdb'), ['--pgdata', data, '--username', 'postgres', '--auth', 'trust'], settings);
  const port = await freePort();
  const flags = ['-D', data, '-p', String(port), '-c', 'unix_socket_directories=', '-c', 'listen_addresses=127.0.0.1'];
  const child = spawn(join(bin ?? '', 'postgres'), flags, { ...settings, stdio: 'ignore' });
  onTestFinished(async () => {
    child.kill('SIGQUIT');
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(null)));
  });
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  for (let tries = 0; tries < 100; tries += 1) {
    if (await onServer(url, 'SELECT 1').then(Boolean, () => false)) return url;
    await sleep(100);
  }
  throw new Error('PostgreSQL did not start.');
}

const start = 'mutation { startSession(transport: BEARER) { token session { handle } } }';
const current = '{ currentSession { handle } }';

describe('pg_dump and pg_restore', () => {
  it.skipIf(!bin)('back up and restore under docs/backup.md, and `revoke --all` ends what came back', async () => {
    const url = await startDebianPostgresql();
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
