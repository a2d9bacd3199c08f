import type { Db } from './database.ts';

/** What time it is, for everybody who shares the database. */
export type Clock = {
  now(): Date;
  /** Ends what keeps it right. */
  stop(): void;
};

/** The clock of this machine, which is right where only one machine has the database. */
export const localClock: Clock = { now: () => new Date(), stop: () => {} };

const intervalMs = 30_000;
const samples = 3;

/**
 * The clock of the database. Servers whose own clocks disagree still agree on when a session ends: it is asked now and
 * then, and in between the time is counted on, which costs nothing and does not jump when a machine's clock is set.
 */
export async function databaseClock(db: Db): Promise<Clock> {
  let origin = await originOf(db);
  const timer = setInterval(async () => {
    // While the database cannot be asked, the time is counted on.
    origin = await originOf(db).catch(() => origin);
  }, intervalMs);
  timer.unref();
  return {
    now: () => new Date(origin + performance.now()),
    stop: () => clearInterval(timer),
  };
}

/** The database's time at the zero of `performance.now()`, in Unix milliseconds, from the quickest of some answers. */
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
