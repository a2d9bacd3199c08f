/** A primary and one synchronous standby on two machines. Nothing but this check promotes the standby. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onServer } from '../../../test/support/postgresql-server.ts';
import { debianFile } from '../../checks/processes.ts';
import { freezePostgresql, killPostgresql, runProgram, startProgram } from '../processes.ts';
import type { ClusterKind } from './cluster.ts';
import { passwords, superuserUrl } from './credentials.ts';
import { findAccount, type Machine } from './machines.ts';

export const streaming: ClusterKind = {
  programs: [debianFile('/usr/lib/postgresql/15/bin/postgres', 'postgresql-15')],
  folder: 'streaming',
  faults: 3,

  async start(machines, { folder, atEnd }) {
    const account = findAccount();
    const [first, second] = machines as [Machine, Machine];
    let primary = first;

    const dataOf = (machine: Machine) => join(machine.folder, 'data');
    const run = (machine: Machine, command: string[], env: Record<string, string> = {}) =>
      runProgram(machine.folder, command, { env: { PGDATA: dataOf(machine), ...env }, account });
    /** Runs a file of the folder, as the operator does with the rights of the superuser. */
    const asOperator = (machine: Machine, script: string, env: Record<string, string> = {}) =>
      run(machine, [join(folder, script)], {
        PGHOST: machine.address,
        PGUSER: 'postgres',
        PGPASSWORD: passwords.superuser,
        ...env,
      });

    async function startServer(machine: Machine): Promise<void> {
      const settings = [`listen_addresses=${machine.address}`, 'unix_socket_directories='];
      const command = ['postgres', '-D', dataOf(machine), ...settings.flatMap((setting) => ['-c', setting])];
      startProgram(machine.folder, command, { account });
      while (!(await asks(machine, 'SELECT true AS answer'))) await sleep(50);
    }

    async function becomeStandby(machine: Machine): Promise<void> {
      await asOperator(machine, 'standby.sh', {
        NAME: machine.name,
        PRIMARY: primary.address,
        PGUSER: 'replicator',
        PGPASSWORD: passwords.replication,
      });
      await startServer(machine);
      await asOperator(primary, 'require-standby.sh', { STANDBY: machine.name });
      while (!(await asks(primary, "SELECT bool_or(sync_state = 'sync') AS answer FROM pg_stat_replication"))) {
        await sleep(50);
      }
    }

    atEnd(async () => void (await Promise.all([first, second].map(killPostgresql))));
    const passwordFile = join(first.folder, 'password');
    await writeFile(passwordFile, passwords.superuser, { mode: 0o644 });
    await run(first, [
      'initdb',
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '-E',
      'UTF8',
    ]);
    await appendFile(join(dataOf(first), 'pg_hba.conf'), await readFile(join(folder, 'pg_hba.conf')));
    await appendFile(join(dataOf(first), 'pg_hba.conf'), 'host all postgres samenet scram-sha-256\n');
    await startServer(first);
    await onServer(superuserUrl(first), `CREATE ROLE replicator LOGIN REPLICATION PASSWORD '${passwords.replication}'`);
    await becomeStandby(second);
    await writeFile(join(folder, 'pgpass'), `*:*:*:*:${passwords.sessions}\n`, { mode: 0o600 });

    return {
      proxySettings: { DB1: first.address, DB2: second.address, CHECK: join(folder, 'is-primary.sh') },
      findPrimary: async () => primary,
      findStandby: async () => (primary === first ? second : first),
      kill: killPostgresql,
      freeze: freezePostgresql,
      orphan: async () => {
        throw new Error('Only Patroni can leave PostgreSQL alone.');
      },
      async promote(dead) {
        primary = dead === first ? second : first;
        await asOperator(primary, 'promote.sh');
      },
      rejoin: becomeStandby,
    };
  },
};

/** Returns the answer of a condition. False if the server does not answer. */
async function asks(machine: Machine, sql: string): Promise<boolean> {
  const rows = await onServer(superuserUrl(machine), sql).catch(() => []);
  return rows[0]?.answer === true;
}
