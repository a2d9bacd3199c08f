/** Tells the operator which transactions a migration waits for. */
import type pg from 'pg';
import { OperatorNotice } from '../../../errors.ts';
import { clientClass } from '../client.ts';

export type Report = (notice: OperatorNotice) => void;

/** A process of PostgreSQL that holds a lock. Other roles' times are hidden from a role without privileges: null. */
type Holder = { pid: number; application: string; transactionSince: Date | null; statementSince: Date | null };

export type Watch = {
  /** Returns the holders of the lock that was waited for last, in words. */
  holders(): string;
  stop(): void;
};

/** Observes the locks of a database on a connection of its own. It fails silently: nothing depends on it. */
export type LockObserver = {
  /** Observes which transactions a process of PostgreSQL waits for, until it is stopped. */
  watch(pid: number, everyMs: number, onWait?: (holders: string) => void): Watch;
  /** Tells, after a while and from time to time, that another server's migration is waited for. */
  noteMigration(lockKey: bigint): void;
  report: Report;
  /** Ends the waits. */
  signal: AbortSignal | undefined;
  close(): Promise<void>;
};

/** In milliseconds. Shorter waits are not told, and longer ones again after the second of these. */
const patience = { firstMs: 1_000, nextMs: 30_000 };

const columns = `a."pid", a."application_name" AS "application", a."xact_start" AS "transactionSince",
  a."query_start" AS "statementSince"`;
const blockers = `SELECT ${columns} FROM pg_stat_activity a WHERE a."pid" = ANY (pg_blocking_pids($1))`;
const migrators = `SELECT ${columns} FROM pg_locks l JOIN pg_stat_activity a ON a."pid" = l."pid"
  WHERE l."locktype" = 'advisory' AND l."granted" AND l."database" = (SELECT "oid" FROM pg_database
    WHERE "datname" = current_database()) AND l."objsubid" = 1 AND l."classid"::bigint << 32 | l."objid"::bigint = $1`;

/** Opens an observer. It connects when there is something to observe. */
export function openLockObserver(url: string, report: Report, signal?: AbortSignal): LockObserver {
  let opening: Promise<pg.Client> | null = null;
  const watches = new Set<() => void>();

  /** Returns null if the holders cannot be read. */
  async function read(sql: string, value: unknown): Promise<string | null> {
    opening ??= connect(url);
    try {
      const { rows } = await (await opening).query<Holder>(sql, [value]);
      return rows.length === 0 ? null : rows.map(describe).join(' and ');
    } catch {
      return null;
    }
  }

  const noteLater = onLongWait(async (key: bigint) => {
    const holders = (await read(migrators, String(key))) ?? 'another server';
    report(new OperatorNotice('info', `Waits for a migration that ${holders} applies.`));
  });

  return {
    report,
    signal,
    noteMigration: noteLater,
    watch(pid, everyMs, onWait = () => {}) {
      let last: string | null = null;
      let isReading = false;
      const timer = setInterval(async () => {
        if (isReading) return;
        isReading = true;
        const holders = await read(blockers, pid);
        isReading = false;
        if (holders === null || !watches.has(stop)) return;
        last = holders;
        onWait(holders);
      }, everyMs);
      const stop = () => {
        watches.delete(stop);
        clearInterval(timer);
      };
      watches.add(stop);
      return { stop, holders: () => last ?? 'another transaction' };
    },
    async close() {
      for (const stop of watches) stop();
      await (await opening?.catch(() => null))?.end();
    },
  };
}

/** Returns a function to call during a wait: it calls `act` when the wait is long, and then from time to time. */
export function onLongWait<T>(act: (value: T) => void): (value: T) => void {
  let nextAt = performance.now() + patience.firstMs;
  let isFirst = true;
  return (value) => {
    // The first call begins the wait.
    if (isFirst) nextAt = performance.now() + patience.firstMs;
    isFirst = false;
    if (performance.now() < nextAt) return;
    nextAt = performance.now() + patience.nextMs;
    act(value);
  };
}

/** Without the statement, which may contain values. */
function describe({ pid, application, transactionSince, statementSince }: Holder): string {
  const times = [
    transactionSince && `transaction since ${transactionSince.toISOString()}`,
    statementSince && `last statement at ${statementSince.toISOString()}`,
  ].filter((time) => time !== null);
  return `the process ${pid} of PostgreSQL (${[application || 'no application_name', ...times].join(', ')})`;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new (clientClass(url, 'read-write'))({ connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  client.on('error', () => {});
  await client.connect();
  return client;
}
