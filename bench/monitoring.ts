/** Compares the processor time of reads without monitoring and with it: `npm run bench -- --monitoring`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../test/support/ports.ts';
import type { Load, Result } from './generator.ts';
import { cpuNs, loadCore, type Server, startGenerator, startServer, type Tool } from './processes.ts';
import type { Stand } from './stand.ts';
import { workloads } from './workloads.ts';

const warmUpSeconds = 6;

/** Measurements are short and many: other programs disturb some of them, and the median leaves these out. */
const sliceSeconds = 0.25;

export type MonitoringCost = {
  variant: string;
  /** Processor time of the server per read, in microseconds. Median of all slices. */
  cpuUs: number;
  /** Its ratio to that of the server without monitoring in the same turn. Median of all turns. */
  ratio: number;
};

type Variant = { name: string; server: Server };

/** Starts one server of each variant, and a receiver of traces. Returns a function that stops them, too. */
async function startAll(stand: Stand): Promise<{ variants: Variant[]; stop(): Promise<void> }> {
  const receiver = await startServer({
    name: 'receiver of traces',
    args: ['bench/servers/otlp.ts'],
    port: await freePort(),
    env: {},
    cores: loadCore,
    answers: async (port) => (await fetch(`http://127.0.0.1:${port}`)).ok,
  });
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.port}` };
  const settings: Record<string, Record<string, string>> = {
    'without monitoring': {},
    'the same again': {},
    metrics: { METRICS_PORT: String(await freePort()) },
    'traces of 1 % of the requests': {
      ...traces,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.01',
    },
    'traces of all requests': traces,
  };
  const variants: Variant[] = [];
  for (const [name, env] of Object.entries(settings)) {
    variants.push({ name, server: await stand.start('ours', { env }) });
  }
  const all = [receiver, ...variants.map(({ server }) => server)];
  return { variants, stop: async () => void (await Promise.all(all.map((server) => server.stop()))) };
}

/** Sends reads by bearer token to a server. Returns its processor time per read, in microseconds. */
async function cpuPerRead(generator: Tool<Load, Result>, server: Server, load: Omit<Load, 'port'>): Promise<number> {
  const before = cpuNs(server.pid);
  const { requests, wrong, example } = await generator.ask({ ...load, port: server.port });
  if (wrong > 0) throw new Error(`${wrong} wrong answers, such as\n${example}`);
  return (cpuNs(server.pid) - before) / 1_000 / requests;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/**
 * Measures all variants in turn, each as often as the others: a server that rests for longer has colder caches.
 * Processor time depends less than rates on other programs of the machine.
 */
export async function measureMonitoring(
  stand: Stand,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<MonitoringCost[]> {
  const { bearer } = workloads;
  const file = join(stand.folder, 'monitoring.json');
  await writeFile(file, JSON.stringify(bearer.exchanges('ours', stand.data)));
  const load = { connections: bearer.connections, seconds: sliceSeconds, file, from: 0, isRepeatable: true };
  const { variants, stop } = await startAll(stand);
  const generator = startGenerator();
  const turns: number[][] = [];
  try {
    for (const { server } of variants) await cpuPerRead(generator, server, { ...load, seconds: warmUpSeconds });
    while (turns.length < (rounds * seconds) / sliceSeconds) {
      const turn: number[] = [];
      for (const { server } of variants) turn.push(await cpuPerRead(generator, server, load));
      turns.push(turn);
    }
  } finally {
    await generator.stop();
    await stop();
  }
  return variants.map(({ name }, index) => ({
    variant: name,
    cpuUs: median(turns.map((turn) => turn[index] ?? 0)),
    ratio: median(turns.map((turn) => (turn[index] ?? 0) / (turn[0] ?? 1))),
  }));
}

/** Returns the costs as a table of Markdown. */
export function costsToMarkdown(database: string, costs: MonitoringCost[]): string {
  const rows = costs.map(({ variant, cpuUs, ratio }) => `| ${variant} | ${cpuUs.toFixed(1)} | ${ratio.toFixed(3)} |`);
  return [`### ${database}`, '', '| reads by bearer token | CPU µs | ratio |', '|---|--:|--:|', ...rows, ''].join('\n');
}
