/** Tells load balancers if requests can be served. Anybody may ask, as often as they like. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database.ts';
import { faultOf } from '../failures.ts';
import { type Fault, faultTexts } from '../faults.ts';
import { migrationFolders, readMigrations } from '../migrations.ts';
import { isExhausted } from './ids.ts';

/** The time after which an answer is too late, in milliseconds. */
const timeoutMs = 2_000;

/** The time for which the result of a write is kept, in milliseconds: the interval between two writes. */
const keptMs = 1_000;

/** The time for which the use of ids is kept, in milliseconds. */
const idsKeptMs = 10_000;

/** The time for which the failure of a request shows that the next write fails too, in milliseconds. */
const failureKeptMs = 5_000;

/** The faults that a read or a write of a single row may not meet, although others do. */
const partial = new Set<Fault | null>(['full', 'damaged', 'disk', 'missing']);

const isSlow = 'the database does not answer in time';

/** A reason why requests cannot be served, in general words. Null if there is none. */
export type Reason = string | null;

export type Readiness = {
  /** Returns why this server cannot serve reads. Never throws. */
  reads(): Promise<Reason>;
  /** Returns why this server cannot serve reads and writes. Never throws. */
  writes(): Promise<Reason>;
  /** Learns from the failure of a request. */
  noteFailure(error: unknown): void;
};

/**
 * Returns the readiness of a database. At most one read and one write are under way for all callers, also if they take
 * longer than the callers wait.
 */
export function readinessOf(database: Database): Readiness {
  // Read now: the first probe may come when the server is busy.
  void newestMigration().catch(() => {});
  let failure: { fault: Fault; at: number } | null = null;

  const reads = inTime(
    shared(async () => {
      const newest = await newestMigration();
      if (!(await database.$probe.isMigrated(newest))) return 'the database is not migrated';
      // The read of every request.
      await database.$findSession('');
      return null;
    }),
  );
  const ids = shared(async () => (isExhausted(await database.$probe.idUsage()) ? 'ids are nearly used up' : null));
  const idsInTime = inTime(kept(ids, idsKeptMs));
  const write = shared(async () => {
    await database.$probe.write();
    return null;
  });
  const writeInTime = inTime(kept(write, keptMs));

  function recentFailure(): Reason {
    if (failure === null || performance.now() - failure.at > failureKeptMs) return null;
    return faultTexts[failure.fault].state;
  }

  return {
    reads,
    async writes() {
      return (await reads()) ?? recentFailure() ?? (await writeInTime()) ?? (await idsInTime());
    },
    noteFailure(error) {
      const fault = faultOf(error);
      if (fault !== null && partial.has(fault)) failure = { fault, at: performance.now() };
    },
  };
}

let newest: Promise<string> | undefined;

/** Returns the name of the newest migration that this server knows. Both histories have the same steps. */
function newestMigration(): Promise<string> {
  newest ??= readMigrations(migrationFolders.sqlite).then((migrations) => migrations.at(-1)?.name ?? '');
  return newest;
}

type Check = () => Promise<Reason>;

/** Makes all callers share one check under way, whose failure is a reason. */
function shared(check: Check): Check {
  let running: Promise<Reason> | null = null;
  return () => {
    running ??= check()
      .catch((error: unknown) => reasonOf(error))
      .finally(() => {
        running = null;
      });
    return running;
  };
}

/** Keeps the result of a shared check for a time. */
function kept(check: Check, ms: number): Check {
  let last: { reason: Reason; until: number } | null = null;
  return async () => {
    if (last !== null && performance.now() < last.until) return last.reason;
    const reason = await check();
    last = { reason, until: performance.now() + ms };
    return reason;
  };
}

/** Gives a check a time limit, with one timer for all callers. The check itself goes on. */
function inTime(check: Check): Check {
  return shared(async () => {
    const over = new AbortController();
    const late = sleep(timeoutMs, isSlow, { signal: over.signal }).catch(() => isSlow);
    return Promise.race([check(), late]).finally(() => over.abort());
  });
}

function reasonOf(error: unknown): string {
  const fault = faultOf(error);
  return fault === null ? 'the database fails' : faultTexts[fault].state;
}
