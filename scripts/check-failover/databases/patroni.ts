/** Patroni with etcd on three machines: they choose the primary, and promote a standby when it is gone. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { debianFile, program } from '../../checks/processes.ts';
import { end, freezePostgresql, killPostgresql, startProgram } from '../processes.ts';
import type { ClusterKind } from './cluster.ts';
import { passwords } from './credentials.ts';
import { findAccount, type Machine } from './machines.ts';

export const patroni: ClusterKind = {
  programs: [
    program('etcd', 'etcd-server'),
    program('patroni', 'patroni'),
    debianFile('/usr/lib/postgresql/15/bin/postgres', 'postgresql-15'),
    debianFile('/usr/lib/python3/dist-packages/etcd/__init__.py', 'python3-etcd'),
  ],
  folder: 'patroni',
  faults: 10,

  async start(machines, { folder, isStrict, atEnd }) {
    const account = findAccount();
    const addresses = Object.fromEntries(machines.map(({ name, address }) => [name.toUpperCase(), address]));
    const running = new Map<Machine, ChildProcess[]>();

    function startMachine(machine: Machine): void {
      const env = {
        ...addresses,
        NAME: machine.name,
        ADDRESS: machine.address,
        STATE: machine.folder,
        PATRONI_SUPERUSER_PASSWORD: passwords.superuser,
        PATRONI_REPLICATION_PASSWORD: passwords.replication,
      };
      const start = (script: string) => startProgram(machine.folder, [join(folder, script)], { env, account });
      running.set(machine, [start('etcd.sh'), start('patroni.sh')]);
    }

    async function kill(machine: Machine): Promise<void> {
      const ending = (running.get(machine) ?? []).map((child) => end(child, 'SIGKILL'));
      // All at once: Patroni must not see the end of PostgreSQL.
      await Promise.all([...ending, killPostgresql(machine)]);
    }

    async function find(role: string, among: Machine[]): Promise<Machine> {
      for (;;) {
        for (const machine of among) if (await answers(machine, role)) return machine;
        await sleep(20);
      }
    }

    atEnd(async () => void (await Promise.all(machines.map(kill))));
    for (const machine of machines) startMachine(machine);
    const primary = await find('primary', machines);
    if (isStrict) await requireStandbys(primary);
    while (!(await isSynchronous(machines))) await sleep(200);

    return {
      proxySettings: addresses,
      findPrimary: () => find('primary', machines),
      findStandby: () => find('sync', machines),
      kill,
      async freeze(machine) {
        for (const child of running.get(machine) ?? []) child.kill('SIGSTOP');
        await freezePostgresql(machine);
      },
      orphan: (machine) => end(running.get(machine)?.[1], 'SIGKILL'),
      async promote(dead) {
        const others = machines.filter((machine) => machine !== dead);
        await find('primary', others);
      },
      async rejoin(machine) {
        startMachine(machine);
        while (!(await answers(machine, 'replica')) || !(await isSynchronous(machines))) await sleep(200);
      },
    };
  },
};

/** Turns synchronous_mode_strict on, for all machines. */
async function requireStandbys({ address }: Machine): Promise<void> {
  const body = JSON.stringify({ synchronous_mode_strict: true });
  const { status } = await fetch(`http://${address}:8008/config`, { method: 'PATCH', body });
  if (status !== 200) throw new Error(`Patroni refused its configuration with ${status}.`);
}

/** Returns whether Patroni answers that its machine has a role: `primary`, `replica` or `sync`. */
async function answers({ address }: Machine, role: string): Promise<boolean> {
  const signal = AbortSignal.timeout(2_000);
  return fetch(`http://${address}:8008/${role}`, { signal }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** Returns whether there are a primary, a standby that every commit waits for, and another standby. */
async function isSynchronous(machines: Machine[]): Promise<boolean> {
  const count = async (role: string) =>
    (await Promise.all(machines.map((machine) => answers(machine, role)))).filter(Boolean).length;
  return (await count('primary')) === 1 && (await count('sync')) === 1 && (await count('replica')) === 2;
}
