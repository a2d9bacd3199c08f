/**
 * Kills the primary of PostgreSQL under load, again and again, and compares the acknowledged writes with the database:
 * `npm run check:failover`, or `npm run check:failover streaming -- --faults 1` for some of it. Runs the files of
 * examples/failover, which docs/failover.md prints. Needs Linux, and the Debian packages that it names if they are
 * missing.
 *
 * Options: `--faults` number; `--freeze`: the machine hangs; `--standby`: the synchronous standby instead of the primary;
 * `--strict`: Patroni with synchronous_mode_strict; `--pgbouncer`: PgBouncer before HAProxy; `--hosts`: several hosts in
 * DATABASE_URL, without HAProxy; `--keep`: keeps the logs.
 */
import { parseArgs } from 'node:util';
import { program } from '../stacks/processes.ts';
import type { ClusterKind } from './databases/cluster.ts';
import { patroni } from './databases/patroni.ts';
import { streaming } from './databases/streaming.ts';
import { inject, reach, type Trial } from './faults.ts';
import { compare, countWrites } from './load/ledger.ts';
import { verify } from './load/verify.ts';
import { printTable, printTrial } from './report.ts';
import { startStand } from './stand.ts';

const kinds: Record<string, ClusterKind> = { patroni, streaming };
const flag = { type: 'boolean', default: false } as const;
const { positionals: asked, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    faults: { type: 'string' },
    freeze: flag,
    standby: flag,
    strict: flag,
    pgbouncer: flag,
    hosts: flag,
    keep: flag,
  },
});
const unknown = asked.filter((name) => !Object.hasOwn(kinds, name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}. There are: ${Object.keys(kinds).join(', ')}.`);
  process.exit(1);
}

/** Everything that is started, each with the function that ends it. */
const ends: (() => Promise<unknown>)[] = [];
process.once('SIGINT', stopEarly).once('SIGTERM', stopEarly);

let failures = 0;
for (const [name, kind] of Object.entries(kinds)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n${name}`);
  failures += await check(kind).finally(endAll);
}
console.log(failures === 0 ? '\nNothing acknowledged was lost.' : `\n${failures} failed.`);
process.exitCode = failures === 0 ? 0 : 1;

/** Returns the number of failures: missing programs, and acknowledged writes that are lost. */
async function check(kind: ClusterKind): Promise<number> {
  const missing = [...kind.programs, program('haproxy', 'haproxy')].filter((needed) => !needed.isInstalled());
  for (const { command, debianPackage } of missing) {
    console.log(`${command} is missing. Install it: apt-get install --no-install-recommends ${debianPackage}`);
  }
  if (missing.length > 0) return missing.length;
  const stand = await startStand(kind, options, (end) => ends.push(end));
  const trials: Trial[] = [];
  for (let number = 1; number <= Number(options.faults ?? kind.faults); number += 1) {
    const trial = await inject({ isStandby: options.standby, isFrozen: options.freeze }, stand);
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
  return lost.length + trials.reduce((sum, trial) => sum + trial.lost.length, 0);
}

async function endAll(): Promise<void> {
  for (let end = ends.pop(); end; end = ends.pop()) await end();
}

function stopEarly(): void {
  void endAll().finally(() => process.exit(1));
}
