/**
 * Measures the reader of the log of events: the time from the commit of an event to its delivery, and the processor time
 * of a read that finds nothing, for both databases: `node bench/log-reader.ts [events]`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, migrateDatabase, openDatabase } from '../src/database/database.ts';
import { openLogReader } from '../src/events/log-reader.ts';
import { recordEvent } from '../src/events/record.ts';
import { commandScope } from '../src/scope.ts';
import { onServer, startPostgresql, urlOf } from '../test/support/postgresql-server.ts';

const count = Number(process.argv[2] ?? 300);
const idleMs = 10_000;

function percentile(values: number[], share: number): string {
  const sorted = values.toSorted((one, other) => one - other);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
}

/** Returns the milliseconds from the commit of each event to its delivery. The pauses between events vary. */
async function measureDelays(database: Database): Promise<number[]> {
  const reader = openLogReader(database, console.error);
  const committed = new Map<string, number>();
  const delivered = new Map<string, number>();
  await reader.follow((events) => {
    for (const { detail } of events) delivered.set(detail ?? '', performance.now());
  });
  for (let n = 0; n < count; n += 1) {
    await recordEvent(database, commandScope(new Date()), { type: 'ROLE_CHANGED', userId: null, detail: String(n) });
    committed.set(String(n), performance.now());
    await sleep(20 + ((n * 37) % 90));
  }
  while (delivered.size < count) await sleep(10);
  await reader.stop();
  return [...committed].map(([detail, at]) => Math.max(0, (delivered.get(detail) ?? 0) - at));
}

/** Returns the microseconds of processor time of a read that finds nothing, and the number of reads in a second. */
async function measureIdle(database: Database): Promise<{ micros: number; perSecond: number }> {
  const { $newestId } = database;
  let reads = 0;
  database.$newestId = (table) => {
    reads += 1;
    return $newestId(table);
  };
  const begin = process.cpuUsage();
  await sleep(idleMs);
  const without = process.cpuUsage(begin);
  const reader = openLogReader(database, console.error);
  await reader.follow(() => {});
  reads = 0;
  const started = process.cpuUsage();
  await sleep(idleMs);
  const used = process.cpuUsage(started);
  await reader.stop();
  database.$newestId = $newestId;
  const micros = used.user + used.system - without.user - without.system;
  return { micros: Math.round(micros / reads), perSecond: reads / (idleMs / 1_000) };
}

async function measure(name: string, url: string): Promise<void> {
  await migrateDatabase(url);
  const database = await openDatabase(url);
  const delays = await measureDelays(database);
  const { micros, perSecond } = await measureIdle(database);
  await database.$disconnect();
  const delay = `p50 ${percentile(delays, 0.5)} ms, p99 ${percentile(delays, 0.99)} ms, max ${percentile(delays, 1)} ms`;
  console.log(
    `${name}: ${count} events, ${delay}; ${perSecond} idle reads a second, ${micros} µs of processor time each`,
  );
}

const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-bench-'));
const server = await startPostgresql();
try {
  await measure('SQLite', `file:${join(folder, 'bench.db')}`);
  await onServer(server.url, 'CREATE DATABASE bench');
  await measure('PostgreSQL', urlOf(server.url, 'bench'));
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
