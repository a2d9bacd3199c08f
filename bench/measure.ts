import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Load, Result } from './generator.ts';
import { cpuMs, residentMB, type Server, serverCore, startGenerator, startTool, type Tool } from './processes.ts';
import type { Stand } from './stand.ts';
import { type Kind, type Workload, type WorkloadName, workloads } from './workloads.ts';

export type Options = { rounds: number; seconds: number; requests: number };

/** One thing, done by one server, beside its limit. Medians of all rounds. */
export type Measurement = {
  workload: WorkloadName;
  server: Kind;
  perSecond: number;
  limitPerSecond: number;
  /** This server's rate by that of its limit, which was measured right before and after it. */
  ofLimit: number;
  /** Milliseconds; null for the limit of a login, which is no server. */
  p50: number;
  p99: number;
  limitP50: number | null;
  /** Microseconds of this server's processor time for a request. */
  cpuUs: number;
};

export type Figures = {
  measurements: Measurement[];
  /** Reads by bearer token on the larger data set, by those on the usual one. */
  growth: { sessions: number; ratio: number } | null;
  /** The 99th percentile of reads while others log in, in milliseconds, beside that without. */
  beside: { quietP99: number; busyP99: number };
  /** From the start of the process to the first right answer, in milliseconds. */
  startMs: Record<'ours' | 'naive' | 'limit', number>;
  /** Resident megabytes after so many requests. */
  memory: { requests: number; megabytes: number }[];
};

export type Report = { database: string; machine: string; sessions: number } & Figures;

/** So long the load goes on before it counts: the compiler of V8 shares the one processor with the server. */
const warmUpSeconds = 6;
const limitSeconds = 1;
const mostOnce = 1_000;

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Servers of one stand, started when they are needed, and what is sent to them. */
class Course {
  readonly #stand: Stand;
  readonly #servers = new Map<Kind, Promise<Server>>();
  readonly #files = new Map<string, Promise<string>>();
  readonly #next = new Map<string, number>();
  readonly #generator = startGenerator();

  constructor(stand: Stand) {
    this.#stand = stand;
  }

  server(kind: Kind): Promise<Server> {
    const running = this.#servers.get(kind) ?? this.#stand.start(kind);
    this.#servers.set(kind, running);
    return running;
  }

  /** Sends a server a workload. Every answer must be right. */
  async load(kind: Kind, name: WorkloadName, seconds: number, connections: number): Promise<Result> {
    const { port } = await this.server(kind);
    return this.loadPort(port, kind, name, seconds, connections);
  }

  async loadPort(port: number, kind: Kind, name: WorkloadName, seconds: number, connections: number): Promise<Result> {
    const { isOnce } = workloads[name];
    const key = `${kind}-${name}`;
    const file = await this.file(kind, name);
    const from = this.#next.get(key) ?? 0;
    // What can be done only once must last for all rounds.
    const bounded = isOnce ? { isRepeatable: false, most: mostOnce } : { isRepeatable: true };
    const result = await this.#generator.ask({ port, connections, seconds, file, from, ...bounded });
    if (result.wrong > 0) throw new Error(`${key}: ${result.wrong} wrong answers, such as\n${result.example}`);
    if (result.requests === 0) throw new Error(`${key}: there are no requests left to send.`);
    if (isOnce) this.#next.set(key, from + result.requests);
    return result;
  }

  file(kind: Kind, name: WorkloadName): Promise<string> {
    const file = join(this.#stand.folder, `${kind}-${name}.json`);
    const written =
      this.#files.get(file) ??
      writeFile(file, JSON.stringify(workloads[name].exchanges(kind, this.#stand.data))).then(() => file);
    this.#files.set(file, written);
    return written;
  }

  async end(): Promise<void> {
    await this.#generator.stop();
    for (const server of this.#servers.values()) await (await server).stop();
  }
}

type Argon2 = Tool<{ seconds: number; atOnce: number }, number>;

/** The rate of the limit of a workload right now, and how long it takes for one request. */
async function limitOf(course: Course, argon2: Argon2, { limit, connections }: Workload) {
  if (limit === 'argon2') {
    return { perSecond: await argon2.ask({ seconds: 2 * limitSeconds, atOnce: connections }), p50: null };
  }
  const { requests, seconds, p50 } = await course.load(limit.server, limit.workload, limitSeconds, connections);
  return { perSecond: requests / seconds, p50 };
}

async function measureOne(course: Course, argon2: Argon2, server: Kind, name: WorkloadName, options: Options) {
  const workload = workloads[name];
  const { connections } = workload;
  const { pid } = await course.server(server);
  await course.load(server, name, warmUpSeconds, connections);
  await limitOf(course, argon2, workload);
  const rounds: Pick<Measurement, 'perSecond' | 'limitPerSecond' | 'limitP50' | 'cpuUs' | 'p50' | 'p99'>[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const before = await limitOf(course, argon2, workload);
    const cpuBefore = cpuMs(pid);
    const result = await course.load(server, name, options.seconds, connections);
    const cpuUs = ((cpuMs(pid) - cpuBefore) * 1_000) / result.requests;
    const after = await limitOf(course, argon2, workload);
    const perSecond = result.requests / result.seconds;
    const limitPerSecond = (before.perSecond + after.perSecond) / 2;
    rounds.push({ perSecond, limitPerSecond, limitP50: before.p50, cpuUs, p50: result.p50, p99: result.p99 });
  }
  const of = (figure: (round: (typeof rounds)[number]) => number) => median(rounds.map(figure));
  const measurement: Measurement = {
    workload: name,
    server,
    perSecond: of(({ perSecond }) => perSecond),
    limitPerSecond: of(({ limitPerSecond }) => limitPerSecond),
    ofLimit: of(({ perSecond, limitPerSecond }) => perSecond / limitPerSecond),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    limitP50: workload.limit === 'argon2' ? null : of(({ limitP50 }) => limitP50 ?? 0),
    cpuUs: of(({ cpuUs }) => cpuUs),
  };
  console.log(
    `${server} ${name}: ${measurement.perSecond.toFixed(0)}/s, ${measurement.ofLimit.toFixed(2)} of the limit ` +
      `(${rounds.map(({ perSecond, limitPerSecond }) => (perSecond / limitPerSecond).toFixed(2)).join(', ')})`,
  );
  return measurement;
}

/** How long reads take while as many log in as the server has connections for that, and while nobody does. */
async function measureBeside(course: Course, stand: Stand, seconds: number): Promise<Figures['beside']> {
  // As it is run: with all processors of the machine.
  const server = await stand.start('ours', '0-1');
  const others = startTool<Load, Result>('bench/generator.ts', '0-1');
  try {
    const read = () => course.loadPort(server.port, 'ours', 'bearer', seconds, 1);
    await course.loadPort(server.port, 'ours', 'bearer', warmUpSeconds, 4);
    const quiet = await read();
    const file = await course.file('ours', 'login');
    const { connections } = workloads.login;
    const load = { port: server.port, connections, seconds: seconds + 1, file, from: 0, isRepeatable: true };
    const logins = others.ask(load);
    const busy = await read();
    const { wrong, example } = await logins;
    if (wrong > 0) throw new Error(`Logins beside reads failed: ${example}`);
    return { quietP99: quiet.p99, busyP99: busy.p99 };
  } finally {
    await others.stop();
    await server.stop();
  }
}

async function measureStart(stand: Stand, kind: Kind): Promise<number> {
  const times = [];
  for (let run = 0; run < 5; run += 1) {
    const server = await stand.start(kind);
    times.push(server.startMs);
    await server.stop();
  }
  return median(times);
}

async function measureMemory(course: Course, stand: Stand, requests: number): Promise<Figures['memory']> {
  if (requests === 0) return [];
  const server = await stand.start('ours');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const memory = [{ requests: 0, megabytes: residentMB(server.pid) }];
  let sent = 0;
  for (const share of [0.2, 0.4, 0.6, 0.8, 1]) {
    while (sent < share * requests) sent += (await course.loadPort(server.port, 'ours', 'bearer', 2, 32)).requests;
    memory.push({ requests: sent, megabytes: residentMB(server.pid) });
  }
  await server.stop();
  return memory;
}

async function measureGrowth(course: Course, larger: Stand, { rounds, seconds }: Options): Promise<Figures['growth']> {
  const other = new Course(larger);
  try {
    const rate = async (of: Course) => {
      const result = await of.load('ours', 'bearer', seconds, 32);
      return result.requests / result.seconds;
    };
    await course.load('ours', 'bearer', warmUpSeconds, 32);
    await other.load('ours', 'bearer', warmUpSeconds, 32);
    const ratios = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = await rate(course);
      const large = await rate(other);
      ratios.push(large / ((before + (await rate(course))) / 2));
    }
    return { sessions: larger.data.sessions, ratio: median(ratios) };
  } finally {
    await other.end();
  }
}

/** Everything there is to know of the servers of a stand. */
export async function measure(stand: Stand, larger: Stand | null, options: Options): Promise<Figures> {
  const startMs = {
    ours: await measureStart(stand, 'ours'),
    naive: await measureStart(stand, 'naive'),
    limit: await measureStart(stand, 'limit'),
  };
  const course = new Course(stand);
  const argon2: Argon2 = startTool('bench/servers/argon2.ts', serverCore);
  try {
    const measurements: Measurement[] = [];
    for (const [name, { isNaive }] of Object.entries(workloads) as [WorkloadName, Workload][]) {
      measurements.push(await measureOne(course, argon2, 'ours', name, options));
      if (isNaive) measurements.push(await measureOne(course, argon2, 'naive', name, options));
    }
    return {
      startMs,
      measurements,
      growth: larger && (await measureGrowth(course, larger, options)),
      beside: await measureBeside(course, stand, 2 * options.seconds),
      memory: await measureMemory(course, stand, options.requests),
    };
  } finally {
    await argon2.stop();
    await course.end();
  }
}
