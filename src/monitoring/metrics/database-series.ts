import type { Clock } from '../../database/clock.ts';
import type { Database } from '../../database/database.ts';
import { poolUsage } from '../../database/postgresql/pool.ts';
import { statementTimes } from '../../diagnostics.ts';
import { stateReader } from './database-state.ts';
import { RequestHistogram } from './histogram.ts';
import { addGauge, addLabelledGauge, fullName, type Registers } from './series.ts';
import { maxCountedSessions, sessionCounter } from './session-count.ts';
import { addStateSeries } from './state-series.ts';

/** Measures the statements of this process. Returns a function that ends this. */
export function measureStatements(registers: Registers): () => void {
  const times = new RequestHistogram({
    name: fullName('database_seconds'),
    help: 'Statements by kind and result, with their time: reads of sessions and the like, others, begins and commits.',
    labelNames: ['kind', 'result'],
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  return statementTimes.subscribe(({ kind, ms, isFailed }) =>
    times.observe(ms / 1_000, kind, isFailed ? 'failed' : 'ok'),
  );
}

/** Adds the series about the database that are read when they are scraped. */
export function addDatabaseSeries(registers: Registers, database: Database, clock: Clock): void {
  addStateSeries(registers, stateReader(database, clock));
  const countSessions = sessionCounter(database, clock);
  const live = { name: 'sessions_live', help: `Live sessions, up to ${maxCountedSessions}, counted once a minute.` };
  addGauge(registers, live, async () => (await countSessions()) ?? Number.NaN);
  const connections = {
    name: 'database_connections',
    help: 'Connections to PostgreSQL by state, and requests that wait for one.',
    label: 'state',
  };
  addLabelledGauge(registers, connections, () => Object.entries(poolUsage()));
  const skew = {
    name: 'clock_skew_seconds',
    help: 'The distance of the clock of this machine from that of PostgreSQL. Positive if it is ahead; 0 on SQLite.',
  };
  addGauge(registers, skew, () => (Date.now() - clock.now().getTime()) / 1_000);
}
