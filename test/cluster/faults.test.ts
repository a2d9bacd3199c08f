/** @module-tag slow/cluster */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { putUnderLoad, recovered, underLoad } from '../support/load.ts';
import { onServer, type PostgresqlServer, startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';

async function startCluster(nodes: number) {
  const server = await startPostgresql();
  onTestFinished(() => server.stop());
  const started = [];
  for (let node = 0; node < nodes; node += 1) started.push(await startServer(server.url, underLoad));
  return { server, nodes: started };
}

/** Returns the processes of a PostgreSQL server, the main process first. */
async function processesOf({ folder }: PostgresqlServer): Promise<number[]> {
  const first = Number((await readFile(join(folder, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
  const children = [];
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    if (stat.slice(stat.lastIndexOf(')')).split(' ')[2] === String(first)) children.push(Number(name));
  }
  return [first, ...children];
}

type Cluster = Awaited<ReturnType<typeof startCluster>>;

/** Puts a cluster under load, injects a fault, and compares the acknowledged writes with the database. */
async function injectUnderLoad(what: string, cluster: Cluster, inject: () => Promise<void>) {
  const addresses = cluster.nodes.map(({ address }) => address);
  const load = putUnderLoad(addresses);
  await load.reach(100);
  // How much longer than on an idle machine everything takes here.
  const slackMs = 10 * load.seen.maxMs;
  await inject();
  const recoveredMs = await recovered(addresses);
  await load.reach(100);
  const seen = await load.stop();
  const rows = await onServer(
    cluster.server.url,
    'SELECT "handle", "hashedSessionToken" IS NULL AS "over" FROM "Session"',
  );
  const over = new Map(rows.map((row) => [row.handle as string, row.over as boolean]));
  const lost = [...seen.started].filter((handle) => !over.has(handle)).length;
  const alive = [...seen.ended].filter((handle) => !over.get(handle)).length;
  console.log(
    `${what}: ${seen.started.size} starts and ${seen.ended.size} ends acknowledged, ${lost + alive} lost; ` +
      `longest answer ${seen.maxMs.toFixed(0)} ms, recovered in ${recoveredMs.toFixed(0)} ms, ` +
      `statuses ${JSON.stringify(Object.fromEntries(seen.statuses))}`,
  );
  expect({ lost, alive, wronglySignedOut: seen.wronglySignedOut }).toEqual({ lost: 0, alive: 0, wronglySignedOut: 0 });
  expect(seen.maxMs).toBeLessThan(5_000 + slackMs);
  expect(recoveredMs).toBeLessThan(1_000 + slackMs);
  return seen;
}

describe('acknowledged writes', () => {
  it('survive two immediate shutdowns and restarts of PostgreSQL', async () => {
    const cluster = await startCluster(2);
    for (const downMs of [0, 3_000]) {
      const seen = await injectUnderLoad(`PostgreSQL stopped at once, down for ${downMs} ms`, cluster, async () => {
        const [first = 0] = await processesOf(cluster.server);
        process.kill(first, 'SIGQUIT');
        await cluster.server.ended();
        await sleep(downMs);
        await cluster.server.restart();
      });
      const failed = [...seen.statuses.keys()].filter((status) => status !== 200);
      expect(failed).toEqual([503]);
    }
  });

  it('survive ten seconds of a frozen PostgreSQL', async () => {
    const cluster = await startCluster(2);
    const seen = await injectUnderLoad('PostgreSQL frozen for 10 s', cluster, async () => {
      const processes = await processesOf(cluster.server);
      for (const id of processes) process.kill(id, 'SIGSTOP');
      await sleep(10_000);
      for (const id of processes) process.kill(id, 'SIGCONT');
    });
    expect([...seen.statuses.keys()].filter((status) => status !== 200)).toEqual([503]);
  });

  it('survive repeated cuts of all connections', async () => {
    const cluster = await startCluster(2);
    await injectUnderLoad('connections cut ten times', cluster, async () => {
      for (let cut = 0; cut < 10; cut += 1) {
        const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'graphql-sessions'`;
        await onServer(cluster.server.url, sql);
        await sleep(200);
      }
    });
  });

  it('survive the killing of a server', async () => {
    const cluster = await startCluster(3);
    expect(cluster.nodes[0]?.printed()).toMatch(/^Database {2}postgresql:\/\/\*\*\*@127/m);
    const victim = cluster.nodes.pop();
    const addresses = [victim?.address ?? '', ...cluster.nodes.map(({ address }) => address)];
    const onVictim = putUnderLoad(addresses.slice(0, 1));
    await onVictim.reach(20);
    await injectUnderLoad('a server killed', cluster, async () => {
      victim?.child.kill('SIGKILL');
      await victim?.ended;
    });
    const seen = await onVictim.stop();
    const rows = await onServer(cluster.server.url, 'SELECT "handle" FROM "Session"');
    const kept = new Set(rows.map((row) => row.handle));
    expect([...seen.started].filter((handle) => !kept.has(handle))).toEqual([]);
  });
});
