/** Three machines for databases: addresses of the loopback network, so that each has the usual ports for itself. */

import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chown, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';

export type Machine = { name: string; address: string; folder: string };

/** The user of PostgreSQL, which does not run as root. */
export type Account = { uid: number; gid: number };

const ports = [2379, 2380, 5432, 8008];

/** Creates the folders of three machines, whose addresses are in 127.0.0.0/8 and have the ports of databases free. */
export async function createMachines(folder: string, account: Account): Promise<Machine[]> {
  for (;;) {
    const network = `127.${randomInt(1, 255)}.${randomInt(0, 255)}`;
    const machines = ['db1', 'db2', 'db3'].map((name, n) => ({
      name,
      address: `${network}.${n + 1}`,
      folder: join(folder, name),
    }));
    const free = await Promise.all(machines.flatMap(({ address }) => ports.map((port) => isFree(address, port))));
    if (!free.every(Boolean)) continue;
    for (const machine of machines) {
      await mkdir(machine.folder, { mode: 0o700 });
      await chown(machine.folder, account.uid, account.gid);
    }
    return machines;
  }
}

function isFree(address: string, port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, address, () => probe.close(() => resolve(true)));
  });
}

/** Returns the user `postgres` of Debian's package if this process is root's, or else the user of this process. */
export function findAccount(): Account {
  const { uid, gid } = userInfo();
  if (uid !== 0) return { uid, gid };
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
