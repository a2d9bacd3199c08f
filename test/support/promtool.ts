/** Evaluates the alert rules over real scrapes, with Prometheus' own tool. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { program } from '../../scripts/checks/processes.ts';
import { temporaryFolder } from './database.ts';

export const rulesFile = 'deploy/monitoring/alerts.yaml';

/** True if promtool is installed: the Debian package prometheus. */
export const hasPromtool = program('promtool', 'prometheus').isInstalled();

/** Runs promtool. Returns its output, of both streams, and whether it succeeded. */
export function promtool(args: string[], input = ''): Promise<{ isDone: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      resolve({ isDone: error === null, output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

/** Returns the names of all alerts. */
export async function alertNames(): Promise<string[]> {
  return [...(await readFile(rulesFile, 'utf8')).matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name);
}

/** A text of metrics. Null if the server did not answer, as Prometheus notes it too. */
export type Scrape = string | null;

/** The time for which the last state lasts, in minutes: longer than every `for` and every range of the rules. */
const lastsMinutes = 40;

/**
 * Returns the names of the alerts that fire while the scrapes come one minute after the other, and the state of the
 * last one lasts: gauges stay, and counters go on as they did between the last two scrapes.
 */
export async function firingAfter(...scrapes: Scrape[]): Promise<string[]> {
  const folder = await temporaryFolder();
  const file = join(folder, 'test.json');
  const fired = `max_over_time(ALERTS{alertstate="firing"}[${lastsMinutes}m])`;
  const query = { expr: `count by (alertname) (${fired})`, exp_samples: [{ labels: 'none', value: 0 }] };
  const test = {
    interval: '1m',
    input_series: seriesOf(scrapes, await readFile(rulesFile, 'utf8')),
    promql_expr_test: [{ ...query, eval_time: `${scrapes.length + lastsMinutes - 1}m` }],
    // So the tool prints the alerts with their annotations.
    alert_rule_test: (await alertNames()).flatMap((alertname) =>
      [10, 30].map((minutes) => ({ alertname, eval_time: `${minutes}m`, exp_alerts: [] })),
    ),
  };
  // JSON is YAML. The expectation is wrong in any case, so that the tool prints what it found.
  const rules = join(process.cwd(), rulesFile);
  await writeFile(file, JSON.stringify({ rule_files: [rules], evaluation_interval: '1m', tests: [test] }));
  const { output } = await promtool(['test', 'rules', file]);
  const [, got] = /^ *got: *(.*)/ms.exec(output) ?? [];
  if (got === undefined || /error expanding|no value/.test(output)) {
    throw new Error(`promtool did not evaluate the rules:\n${output}`);
  }
  return [...got.matchAll(/\{alertname="(\w+)"\} \d/g)].map(([, name = '']) => name).sort();
}

type InputSeries = { series: string; values: string };

const labels = 'job="graphql-sessions",instance="127.0.0.1:9464"';

/** Returns the series of the scrapes that the rules name. */
function seriesOf(scrapes: Scrape[], rules: string): InputSeries[] {
  const samples = scrapes.map((scrape) => (scrape === null ? null : samplesOf(scrape)));
  const all = samples.flatMap((one) => [...(one?.keys() ?? [])]);
  const named = new Set(all.filter((series) => rules.includes(series.replace(/\{.*/, ''))));
  const up = {
    series: `up{${labels}}`,
    values: valuesOf(
      samples.map((one) => (one === null ? 0 : 1)),
      0,
    ),
  };
  const others = [...named].map((name) => {
    const values = samples.map((one) => one?.get(name) ?? null);
    const isCounter = /_(total|count|sum|bucket)\b/.test(name);
    // Prometheus takes a decrease for a restart. Some gauges have the name of a counter.
    const pace = isCounter ? Math.max(0, (values.at(-1) ?? 0) - (values.at(-2) ?? 0)) : 0;
    return { series: withLabels(name), values: valuesOf(values, pace) };
  });
  return [up, ...others];
}

/** Returns the values in the notation of promtool, with the last one going on. */
function valuesOf(values: (number | null)[], pace: number): string {
  const last = values.at(-1) ?? null;
  const goingOn = last === null || Number.isNaN(last) ? 'stale' : `${last}+${pace}x${lastsMinutes}`;
  return [...values.slice(0, -1).map((value) => value ?? '_'), goingOn].join(' ');
}

/** Returns the samples of a text of metrics, by their series. */
function samplesOf(scrape: string): Map<string, number> {
  const lines = scrape.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

function withLabels(series: string): string {
  return series.endsWith('}') ? series.replace(/\}$/, `,${labels}}`) : `${series}{${labels}}`;
}
