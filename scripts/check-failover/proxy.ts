/** HAProxy between the servers and the databases, and PgBouncer before it, with the files of the examples. */
import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/ports.ts';
import { accepts } from '../checks/processes.ts';
import { passwords } from './databases/credentials.ts';
import { findAccount } from './databases/machines.ts';
import { end, startProgram } from './processes.ts';

/** Calls a function when the check has ended. */
type AtEnd = (end: () => Promise<void>) => void;

/** Starts HAProxy, and returns its port when it listens. `settings` are the variables in its file. */
export async function startProxy(folder: string, settings: Record<string, string>, atEnd: AtEnd): Promise<number> {
  const port = await freePort();
  const env = { ...settings, LISTEN: `127.0.0.1:${port}` };
  const child = startProgram(folder, ['haproxy', '-db', '-f', join(folder, 'haproxy.cfg')], { env });
  atEnd(() => end(child, 'SIGTERM'));
  await listening(port, child);
  return port;
}

/** Starts PgBouncer before a port of this machine, and returns its own port when it listens. */
export async function startPooler(folder: string, databasePort: number, atEnd: AtEnd): Promise<number> {
  const account = findAccount();
  const port = await freePort();
  await mkdir(folder);
  const users = join(folder, 'users.txt');
  await writeFile(users, `"sessions" "${passwords.sessions}"\n`);
  // The file ends in its only section.
  const settings = `${await readFile('examples/failover/pgbouncer/pgbouncer.ini', 'utf8')}
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_file = ${users}
[databases]
sessions = host=127.0.0.1 port=${databasePort}
`;
  await writeFile(join(folder, 'pgbouncer.ini'), settings);
  const child = startProgram(folder, ['pgbouncer', join(folder, 'pgbouncer.ini')], { account });
  atEnd(() => end(child, 'SIGTERM'));
  await listening(port, child);
  return port;
}

/** Waits until a program accepts connections. @throws Error if it ends. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} has ended. Its log says why: see --keep.`);
    await sleep(50);
  }
}
