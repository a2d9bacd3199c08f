import type { Db } from './database.ts';

/** A clock that all users of a database share. */
export type Clock = {
  now(): Date;
  /** Ends the synchronisation. */
  stop(): void;
};

/** The clock of this machine, which is right if only one machine uses the database. */
export const localClock: Clock = { now: () => new Date(), stop: () => {} };

const intervalMs = 30_000;
const samples = 3;

/**
 * Opens the clock of the database, so that servers whose own clocks disagree still agree on when a session ends. The
 * database is asked at intervals. In between, the time is counted on, which costs nothing and does not jump when a
 * machine's clock is set.
 */
export async function databaseClock(db: Db): Promise<Clock> {
  let origin = await originOf(db);
  const timer = setInterval(async () => {
    // If the database does not answer, the time is counted on.
    origin = await originOf(db).catch(() => origin);
  }, intervalMs);
  timer.unref();
  return {
    now: () => new Date(origin + performance.now()),
    stop: () => clearInterval(timer),
  };
}

/**
 * Returns the database's time at the zero of `performance.now()`, in Unix milliseconds, by the quickest of several
 * answers.
 */
async function originOf(db: Db): Promise<number> {
  let best = { tookMs: Number.POSITIVE_INFINITY, origin: 0 };
  for (let sample = 0; sample < samples; sample += 1) {
    const asked = performance.now();
    const [row] = await db.$queryRaw<[{ now: Date }]>`SELECT clock_timestamp() AS now`;
    const answered = performance.now();
    const tookMs = answered - asked;
    if (tookMs < best.tookMs) best = { tookMs, origin: row.now.getTime() - (asked + answered) / 2 };
  }
  return best.origin;
}
