import { Gauge, type PrometheusContentType, type Registry } from '@prometheus-io/client';
import type { Clock } from '../../database/clock.ts';
import type { Database } from '../../database/database.ts';
import { poolUsage } from '../../database/postgresql/pool.ts';
import { statementTimes } from '../../diagnostics.ts';
import { RequestHistogram } from './histogram.ts';

/** The time for which an answer of the database serves all scrapes: anybody who reaches the port may scrape often. */
const keptMs = 5_000;

/** The maximum number of mails that are counted: a count of a million rows takes long. */
const maxCounted = 10_000;

type State = { up: boolean; answeredMs: number; mails: number; oldestMailMs: number; leases: Map<string, boolean> };

/** Asks the database for the state of the outbox and of the leases. Never throws. */
async function readState(database: Database, clock: Clock): Promise<State> {
  const began = performance.now();
  try {
    const now = clock.now();
    const [oldest] = await database.mail.findMany({ orderBy: { id: 'asc' }, take: 1, select: { createdAt: true } });
    const answeredMs = performance.now() - began;
    const mails = await database.mail.count({ take: maxCounted });
    const leases = await database.lease.findMany();
    return {
      up: true,
      answeredMs,
      mails,
      oldestMailMs: oldest ? Math.max(0, now.getTime() - oldest.createdAt.getTime()) : 0,
      leases: new Map(leases.map(({ name, expiresAt }) => [name, expiresAt > now])),
    };
  } catch {
    return { up: false, answeredMs: performance.now() - began, mails: 0, oldestMailMs: 0, leases: new Map() };
  }
}

/** Measures the statements of this process. Returns a function that ends this. */
export function timeDatabase(registers: Registry<PrometheusContentType>[]): () => void {
  const times = new RequestHistogram({
    name: 'graphql_sessions_database_seconds',
    help: 'Statements by kind and result, with their time: reads of sessions and the like, others, begins and commits.',
    labelNames: ['kind', 'result'],
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  return statementTimes.subscribe(({ kind, ms, isFailed }) =>
    times.observe(ms / 1_000, kind, isFailed ? 'failed' : 'ok'),
  );
}

/** Adds the series that are read from the database when they are scraped, at most once per five seconds. */
export function readDatabase(registers: Registry<PrometheusContentType>[], database: Database, clock: Clock): void {
  let kept: { at: number; state: Promise<State> } | null = null;
  const stateNow = () => {
    const at = performance.now();
    if (kept === null || at - kept.at > keptMs) kept = { at, state: readState(database, clock) };
    return kept.state;
  };
  const gauge = (name: string, help: string, read: (state: State) => number) =>
    new Gauge({
      name: `graphql_sessions_${name}`,
      help,
      registers,
      async collect() {
        this.set(read(await stateNow()));
      },
    });
  gauge('database_up', 'Whether the database answers: 1 or 0.', ({ up }) => Number(up));
  gauge('database_answer_seconds', 'The time of the last small query.', ({ answeredMs }) => answeredMs / 1_000);
  gauge('mails_waiting', `Mails in the outbox, up to ${maxCounted}.`, ({ up, mails }) => (up ? mails : Number.NaN));
  gauge('oldest_mail_seconds', 'The age of the oldest mail in the outbox; 0 without mail.', ({ up, oldestMailMs }) =>
    up ? oldestMailMs / 1_000 : Number.NaN,
  );
  new Gauge({
    name: 'graphql_sessions_lease_held',
    help: 'Whether a server does this background work at the moment: 1 or 0.',
    labelNames: ['name'] as const,
    registers,
    async collect() {
      this.reset();
      for (const [name, isHeld] of (await stateNow()).leases) this.set({ name }, Number(isHeld));
    },
  });
  new Gauge({
    name: 'graphql_sessions_database_connections',
    help: 'Connections to PostgreSQL by state, and requests that wait for one.',
    labelNames: ['state'] as const,
    registers,
    collect() {
      for (const [state, count] of Object.entries(poolUsage())) this.set({ state }, count);
    },
  });
}
