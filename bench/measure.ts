import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Load, Result } from './generator.ts';
import { cpuMs, loadCore, residentMB, type Server, startGenerator, startTool, type Tool } from './processes.ts';
import type { Stand } from './stand.ts';
import { type Kind, type Workload, type WorkloadName, workloads } from './workloads.ts';

export type Options = {
  rounds: number;
  seconds: number;
  requests: number;
  /** The names of the workloads to measure; all of them if absent. */
  only?: string[] | undefined;
};

/** One workload on one server, relative to its limit. Medians of all rounds. */
export type Measurement = {
  workload: WorkloadName;
  server: Kind;
  perSecond: number;
  limitPerSecond: number;
  /** The ratio of this server's rate to that of its limit, which was measured right before and after it. */
  ofLimit: number;
  /** Milliseconds; null for the limit of a login, which is not a server. */
  p50: number;
  p99: number;
  limitP50: number | null;
  /** Processor time of this server per request, in microseconds. */
  cpuUs: number;
};

export type Figures = {
  measurements: Measurement[];
  /** The rate of reads by bearer token on the larger data set, relative to the usual one. */
  growth: { sessions: number; ratio: number } | null;
  /**
   * The 99th percentile of reads while other clients log in, in milliseconds, and that without logins; the rate of those
   * logins, relative to their limit without reads.
   */
  beside: { quietP99: number; busyP99: number; ofLimit: number } | null;
  /** The time from the start of the process to the first right answer, in milliseconds. */
  startMs: Record<'ours' | 'naive' | 'limit', number>;
  /** Resident megabytes after a number of requests. */
  memory: { requests: number; megabytes: number }[];
};

export type Report = { database: string; machine: string; sessions: number } & Figures;

/** The load runs for this time before it counts: V8's compiler shares the one processor with the server. */
const warmUpSeconds = 6;
const limitSeconds = 1;

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

type ReadWorkload = Workload & { limit: Exclude<Workload['limit'], 'argon2'> };

type Effort = Pick<Load, 'seconds' | 'connections'>;

/** The servers of one stand, started on demand, and the load for them. */
class Course {
  readonly #stand: Stand;
  readonly #servers = new Map<Kind, Promise<Server>>();
  readonly #files = new Map<string, Promise<string>>();
  readonly #next = new Map<string, number>();
  readonly #generator = startGenerator();
  /** The number of loads of one workload that one server gets at most: a limit gets two in each round. */
  readonly #loads: number;

  constructor(stand: Stand, rounds: number) {
    this.#stand = stand;
    this.#loads = 2 * rounds + 1;
  }

  server(kind: Kind): Promise<Server> {
    const running = this.#servers.get(kind) ?? this.#stand.start(kind);
    this.#servers.set(kind, running);
    return running;
  }

  /** Sends a workload to a server. Every answer must be right. */
  async load(kind: Kind, name: WorkloadName, seconds: number, connections: number): Promise<Result> {
    const { port } = await this.server(kind);
    return this.loadPort(port, kind, name, { seconds, connections });
  }

  async loadPort(port: number, kind: Kind, name: WorkloadName, effort: Effort): Promise<Result> {
    const { isOnce } = workloads[name];
    const key = `${kind}-${name}`;
    const file = await this.file(kind, name);
    const from = this.#next.get(key) ?? 0;
    const bounded = isOnce ? { isRepeatable: false, maxRequests: this.#share(kind, name) } : { isRepeatable: true };
    const result = await this.#generator.ask({ port, ...effort, file, from, ...bounded });
    if (result.wrong > 0) throw new Error(`${key}: ${result.wrong} wrong answers, such as\n${result.example}`);
    if (result.requests === 0) throw new Error(`${key}: there are no requests left to send.`);
    if (isOnce) this.#next.set(key, from + result.requests);
    return result;
  }

  /** Returns the number of requests of one load, so that those that can be sent only once last for all loads. */
  #share(kind: Kind, name: WorkloadName): number {
    const all = workloads[name].exchanges(kind, this.#stand.data).length;
    return Math.max(1, Math.floor(all / this.#loads));
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

/** Measures the present rate of a workload's limit, and its time per request. */
async function limitOf(course: Course, { limit, connections }: ReadWorkload) {
  const { requests, seconds, p50 } = await course.load(limit.server, limit.workload, limitSeconds, connections);
  return { perSecond: requests / seconds, p50 };
}

async function measureOne(course: Course, server: Kind, name: WorkloadName, options: Options): Promise<Measurement> {
  const workload = workloads[name];
  if (workload.limit === 'argon2') throw new Error('Logins have a measurement of their own.');
  const { limit, connections } = workload;
  const { pid } = await course.server(server);
  await course.load(server, name, warmUpSeconds, connections);
  await limitOf(course, { ...workload, limit });
  const rounds: Pick<Measurement, 'perSecond' | 'limitPerSecond' | 'limitP50' | 'cpuUs' | 'p50' | 'p99'>[] = [];
  for (let round = 0; round < Math.max(options.rounds, workload.rounds ?? 0); round += 1) {
    const before = await limitOf(course, { ...workload, limit });
    const cpuBefore = cpuMs(pid);
    const result = await course.load(server, name, options.seconds, connections);
    const cpuUs = ((cpuMs(pid) - cpuBefore) * 1_000) / result.requests;
    const after = await limitOf(course, { ...workload, limit });
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
    limitP50: of(({ limitP50 }) => limitP50 ?? 0),
    cpuUs: of(({ cpuUs }) => cpuUs),
  };
  console.log(
    `${server} ${name}: ${measurement.perSecond.toFixed(0)}/s, ${measurement.ofLimit.toFixed(2)} of the limit ` +
      `(${rounds.map(({ perSecond, limitPerSecond }) => (perSecond / limitPerSecond).toFixed(2)).join(', ')})`,
  );
  return measurement;
}

const allCores = '0-1';

/**
 * Measures logins on all processors, as in production, by themselves. Then it measures a few concurrent reads beside
 * logins, and without them. The limit hashes as many passwords at once as the server does: one processor is left.
 */
async function measureLogins(course: Course, stand: Stand, { rounds, seconds }: Options) {
  const server = await stand.start('ours', { cores: allCores });
  const others = startTool<Load, Result>('bench/generator.ts', loadCore);
  const argon2 = startTool<{ seconds: number; atOnce: number }, number>('bench/servers/argon2.ts', allCores);
  const atOnce = Math.max(1, cpus().length - 1);
  const read = { port: server.port, connections: 4, pauseMs: 10, isRepeatable: true, from: 0 };
  const login = { port: server.port, connections: workloads.login.connections, isRepeatable: true };
  const files = { read: await course.file('ours', 'bearer'), login: await course.file('ours', 'login') };
  let from = 0;
  const ask = async (tool: Tool<Load, Result>, load: Load) => {
    const result = await tool.ask(load);
    if (result.wrong > 0) throw new Error(`${result.wrong} wrong answers, such as\n${result.example}`);
    return result;
  };
  const logIn = async (forSeconds: number) => {
    const cpuBefore = cpuMs(server.pid);
    const result = await ask(others, { ...login, seconds: forSeconds, file: files.login, from });
    from += result.requests;
    const cpuUs = ((cpuMs(server.pid) - cpuBefore) * 1_000) / result.requests;
    return { ...result, perSecond: result.requests / result.seconds, cpuUs };
  };
  const hashFor = () => argon2.ask({ seconds, atOnce });
  const generator = startGenerator();
  try {
    const readFor = (forSeconds: number) => ask(generator, { ...read, seconds: forSeconds, file: files.read });
    await Promise.all([readFor(warmUpSeconds), logIn(warmUpSeconds)]);
    type Logins = Awaited<ReturnType<typeof logIn>>;
    type Limits = { ofAlone: number; ofBeside: number };
    const all: { quiet: Result; busy: Result; alone: Logins; beside: Logins; limits: Limits }[] = [];
    for (let round = 0; round < Math.max(rounds, workloads.login.rounds ?? 0); round += 1) {
      const quiet = await readFor(seconds);
      const before = await hashFor();
      const alone = await logIn(seconds);
      const between = await hashFor();
      const [busy, beside] = await Promise.all([readFor(seconds), logIn(seconds)]);
      const after = await hashFor();
      const limits = { ofAlone: (before + between) / 2, ofBeside: (between + after) / 2 };
      all.push({ quiet, busy, alone, beside, limits });
    }
    const of = (figure: (round: (typeof all)[number]) => number) => median(all.map(figure));
    const measurement: Measurement = {
      workload: 'login',
      server: 'ours',
      perSecond: of(({ alone }) => alone.perSecond),
      limitPerSecond: of(({ limits }) => limits.ofAlone),
      ofLimit: of(({ alone, limits }) => alone.perSecond / limits.ofAlone),
      p50: of(({ alone }) => alone.p50),
      p99: of(({ alone }) => alone.p99),
      limitP50: null,
      cpuUs: of(({ alone }) => alone.cpuUs),
    };
    const beside = {
      quietP99: of(({ quiet }) => quiet.p99),
      busyP99: of(({ busy }) => busy.p99),
      ofLimit: of(({ beside, limits }) => beside.perSecond / limits.ofBeside),
    };
    return { measurement, beside };
  } finally {
    await Promise.all([others.stop(), generator.stop(), argon2.stop()]);
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
    while (sent < share * requests)
      sent += (await course.loadPort(server.port, 'ours', 'bearer', { seconds: 2, connections: 32 })).requests;
    memory.push({ requests: sent, megabytes: residentMB(server.pid) });
  }
  await server.stop();
  return memory;
}

async function measureGrowth(course: Course, larger: Stand, { rounds, seconds }: Options): Promise<Figures['growth']> {
  const other = new Course(larger, rounds);
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

/** Measures everything about the servers of a stand. */
export async function measure(stand: Stand, larger: Stand | null, options: Options): Promise<Figures> {
  const isWanted = (name: string) => options.only?.includes(name) ?? true;
  const startMs = {
    ours: await measureStart(stand, 'ours'),
    naive: await measureStart(stand, 'naive'),
    limit: await measureStart(stand, 'limit'),
  };
  const course = new Course(stand, options.rounds);
  try {
    const measurements: Measurement[] = [];
    for (const [name, { isNaive, limit }] of Object.entries(workloads) as [WorkloadName, Workload][]) {
      if (limit === 'argon2' || !isWanted(name)) continue;
      measurements.push(await measureOne(course, 'ours', name, options));
      if (isNaive) measurements.push(await measureOne(course, 'naive', name, options));
    }
    const logins = isWanted('login') ? await measureLogins(course, stand, options) : null;
    if (logins) measurements.push(logins.measurement);
    return {
      startMs,
      measurements,
      growth: larger && (await measureGrowth(course, larger, options)),
      beside: logins?.beside ?? null,
      memory: await measureMemory(course, stand, options.requests),
    };
  } finally {
    await course.end();
  }
}
