/**
 * Kills the primary of PostgreSQL under load, again and again, and compares the acknowledged writes with the database:
 * `npm run check:failover`, or `npm run check:failover streaming -- --faults 1` for some of it. Runs the files of
 * examples/failover, which docs/failover.md prints. Needs Linux, and the Debian packages that it names if they are
 * missing.
 *
 * Options: `--faults` number; `--fault freeze`: the machine hangs; `--fault orphan`: Patroni is killed and
 * PostgreSQL goes on; `--standby`: the synchronous standby instead of the primary;
 * `--strict`: Patroni with synchronous_mode_strict; `--pgbouncer`: PgBouncer before HAProxy; `--hosts`: several hosts
 * in DATABASE_URL, without HAProxy; `--keep`: keeps the logs.
 */
import { describeMissing, program } from '../checks/processes.ts';
import type { ClusterKind } from './databases/cluster.ts';
import { inject, reach, type Trial } from './faults.ts';
import { compare, countWrites } from './load/ledger.ts';
import { verify } from './load/verify.ts';
import { clusterKinds, readOptions } from './options.ts';
import { printTable, printTrial } from './report.ts';
import { startStand } from './stand.ts';

const options = readOptions();

/** Everything that is started, each with the function that ends it. */
const ends: (() => Promise<unknown>)[] = [];
process.once('SIGINT', stopEarly).once('SIGTERM', stopEarly);

let failures = 0;
for (const name of options.kinds) {
  console.log(`\n${name}`);
  const clusterKind = clusterKinds[name];
  if (clusterKind) failures += await check(clusterKind).finally(endAll);
}
console.log(failures === 0 ? '\nNothing acknowledged was lost.' : `\n${failures} failed.`);
process.exitCode = failures === 0 ? 0 : 1;

/** Returns the number of failures: missing programs, and acknowledged writes that are lost. */
async function check(clusterKind: ClusterKind): Promise<number> {
  const missing = [...clusterKind.programs, program('haproxy', 'haproxy')].filter((needed) => !needed.isInstalled());
  for (const needed of missing) console.log(describeMissing(needed));
  if (missing.length > 0) return missing.length;
  const stand = await startStand(clusterKind, options, (end) => ends.push(end));
  const trials: Trial[] = [];
  for (let number = 1; number <= Number(options.faults ?? clusterKind.faults); number += 1) {
    const trial = await inject({ isStandby: options.standby, kind: options.fault }, stand);
    printTrial(number, trial);
    trials.push(trial);
  }
  const { load, nodes, databaseUrl } = stand;
  await reach(load, performance.now());
  await load.stop();
  const { ledger } = load;
  const lost = [...(await compare(ledger, databaseUrl)), ...(await verify(ledger, nodes.addresses))];
  printTable(trials);
  console.log('\nAcknowledged:', countWrites(ledger));
  console.log('Logs of the servers, without requests:', await nodes.readLog());
  for (const sentence of lost) console.log(sentence);
  for (const handle of ledger.revived) console.log(`The session ${handle} was accepted after its end.`);
  return lost.length + ledger.revived.size + trials.reduce((sum, trial) => sum + trial.lost.length, 0);
}

async function endAll(): Promise<void> {
  for (let end = ends.pop(); end; end = ends.pop()) await end();
}

function stopEarly(): void {
  // The check goes on meanwhile, and loses its connections.
  process.on('uncaughtException', () => {});
  void endAll().finally(() => process.exit(1));
}
