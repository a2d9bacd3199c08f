/** The output of the check. */
import type { Trial } from './faults.ts';

/** Prints a line about one fault. */
export function printTrial(number: number, { machine, seen, lost, ...times }: Trial): void {
  const failures = [...seen.outcomes].filter(([outcome]) => outcome !== '200');
  const facts = [
    `promotion ${seconds(times.promotedMs)}`,
    `writes on the nodes ${times.writtenMs.map(seconds).join(' ')}`,
    `longest gap ${times.gapMs.map(seconds).join(' ')}`,
    `/ready 503 ${times.unreadyMs.reads.map(seconds).join(' ')}`,
    `/ready?write 503 ${times.unreadyMs.writes.map(seconds).join(' ')}`,
    `longest failed request ${seconds(seen.longestFailureMs)}`,
    `back ${seconds(times.rejoinedMs)}`,
    failures.map(([outcome, count]) => `${count} × ${outcome}`).join(', '),
    `lost ${lost.length}`,
  ];
  console.log(`${String(number).padStart(2)}  ${machine}  ${facts.join('; ')}`);
  for (const sentence of lost) console.log(`    ${sentence}`);
}

/** Prints medians and maxima, in seconds. */
export function printTable(trials: Trial[]): void {
  const lastOf = ({ writtenMs }: Trial) => Math.max(...writtenMs);
  const measures: Record<string, (trial: Trial) => number> = {
    'fault to promotion': ({ promotedMs }) => promotedMs,
    'promotion to a write on every node': (trial) => lastOf(trial) - trial.promotedMs,
    'fault to a write on every node': lastOf,
    'longest gap between writes on a node': ({ gapMs }) => Math.max(...gapMs),
    '/ready is 503': ({ unreadyMs }) => Math.max(...unreadyMs.reads),
    '/ready?write is 503': ({ unreadyMs }) => Math.max(...unreadyMs.writes),
    'longest failed request': ({ seen }) => seen.longestFailureMs,
    'start of the machine to synchronous again': ({ rejoinedMs }) => rejoinedMs,
  };
  console.log('\nSeconds                                      median  maximum');
  for (const [name, measure] of Object.entries(measures)) {
    const values = trials.map(measure).sort((a, b) => a - b);
    const median = ((values[(values.length - 1) >> 1] ?? 0) + (values[values.length >> 1] ?? 0)) / 2;
    console.log(`${name.padEnd(43)} ${seconds(median).padStart(7)}  ${seconds(values.at(-1) ?? 0).padStart(7)}`);
  }
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
