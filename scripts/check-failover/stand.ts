/** Everything that a check starts: databases, proxies, three servers and their clients. */
import { chmod, chown, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onServer } from '../../test/support/postgresql-server.ts';
import type { Cluster, ClusterKind } from './databases/cluster.ts';
import { createSessions, passwords, severalHosts, superuserUrl } from './databases/credentials.ts';
import { createMachines, findAccount } from './databases/machines.ts';
import { type Load, putUnderLoad } from './load/put-under-load.ts';
import { type Nodes, startNodes } from './nodes.ts';
import { startPooler, startProxy } from './proxy.ts';

export type Stand = {
  cluster: Cluster;
  nodes: Nodes;
  load: Load;
  /** The address of the primary, also after a failover. */
  databaseUrl: string;
};

export type StandOptions = {
  strict: boolean;
  pgbouncer: boolean;
  hosts: boolean;
  keep: boolean;
};

/** Starts a stand. `atEnd` receives a function for each part, which ends it: the last one comes first. */
export async function startStand(
  kind: ClusterKind,
  options: StandOptions,
  atEnd: (end: () => Promise<unknown>) => void,
): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-failover-'));
  if (options.keep) console.log(`The logs are in ${folder}.`);
  else atEnd(() => rm(folder, { recursive: true, force: true }));
  const account = findAccount();
  await chmod(folder, 0o755);
  const files = join(folder, 'files');
  await cp(join('examples/failover', kind.folder), files, { recursive: true });
  await chown(files, account.uid, account.gid);
  const machines = await createMachines(folder, account);
  const cluster = await kind.start(machines, { folder: files, isStrict: options.strict, atEnd });
  const primary = await cluster.findPrimary();
  for (const statement of createSessions()) await onServer(superuserUrl(primary), statement);

  const proxyPort = await startProxy(files, cluster.proxySettings, atEnd);
  const port = options.pgbouncer ? await startPooler(join(folder, 'pgbouncer'), proxyPort, atEnd) : proxyPort;
  const databaseUrl = `postgresql://sessions:${passwords.sessions}@127.0.0.1:${port}/sessions`;
  while ((await onServer(databaseUrl, 'SELECT 1').catch(() => [])).length === 0) await sleep(100);

  const nodes = await startNodes(options.hosts ? severalHosts(machines) : databaseUrl, folder);
  atEnd(nodes.stop);
  const load = putUnderLoad(nodes.addresses);
  atEnd(load.stop);
  return { cluster, nodes, load, databaseUrl };
}
