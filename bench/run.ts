/**
 * Measures this server beside the fastest one that could do the same, and beside one built as the documentation of its
 * libraries suggests: `npm run bench -- --help`.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { datasetOf } from './dataset.ts';
import { measure, type Report } from './measure.ts';
import { costsToMarkdown, measureMonitoring } from './monitoring.ts';
import { toMarkdown, toSvg } from './report.ts';
import { openPostgresqlStand, openSqliteStand, type Stand } from './stand.ts';
import { workloads } from './workloads.ts';

const help = `npm run bench -- [options]

  --database sqlite|postgresql   measure only one database
  --sessions 30000               number of sessions, with a third as many users
  --growth 10000000              also compare with this number of sessions
  --rounds 3                     number of measurements per workload; the median counts
  --seconds 3                    duration of each measurement
  --requests 1000000             number of requests for the memory measurement; 0 skips it
  --only bearer,login            only these workloads of bench/workloads.ts; writes no results
  --monitoring                   only the cost of metrics and traces; writes no results
  --out bench/results            folder for tables, charts and figures`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    database: { type: 'string' },
    sessions: { type: 'string', default: '30000' },
    growth: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '1000000' },
    only: { type: 'string' },
    monitoring: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench/results' },
  },
});

function number(name: 'sessions' | 'rounds' | 'seconds' | 'requests' | 'growth'): number {
  const value = Number(values[name]);
  const min = name === 'sessions' || name === 'growth' ? 3_000 : name === 'requests' ? 0 : 1;
  if (!Number.isInteger(value) || value < min) throw new Error(`--${name} must be a whole number of ${min} or more.`);
  return value;
}

const stands: Record<string, (sessions: number) => Promise<Stand>> = {
  sqlite: (sessions) => openSqliteStand(datasetOf(sessions)),
  postgresql: (sessions) => openPostgresqlStand(datasetOf(sessions)),
};

async function main(): Promise<void> {
  if (values.help) return console.log(help);
  const names = values.database === undefined ? Object.keys(stands) : [values.database];
  const only = values.only?.split(',');
  for (const name of only ?? []) {
    if (!(name in workloads)) throw new Error(`--only may name ${Object.keys(workloads).join(', ')}.`);
  }
  const options = { rounds: number('rounds'), seconds: number('seconds'), requests: number('requests'), only };
  for (const name of names) {
    const open = stands[name];
    if (!open) throw new Error(`--database must be one of ${Object.keys(stands).join(', ')}.`);
    const stand = await open(number('sessions'));
    const larger = values.growth === undefined ? null : await open(number('growth'));
    try {
      if (values.monitoring) {
        console.log(`\n${costsToMarkdown(name, await measureMonitoring(stand, options))}`);
        continue;
      }
      const report: Report = {
        database: name,
        machine: `${cpus()[0]?.model}, ${cpus().length} processors, Node ${process.version}`,
        sessions: number('sessions'),
        ...(await measure(stand, larger, options)),
      };
      console.log(`\n${toMarkdown(report)}`);
      if (only) continue;
      await writeFile(`${values.out}/${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
      await writeFile(`${values.out}/${name}.md`, toMarkdown(report));
      await writeFile(`${values.out}/${name}.svg`, toSvg(report));
    } finally {
      await stand.close();
      await larger?.close();
    }
  }
}

await main();
