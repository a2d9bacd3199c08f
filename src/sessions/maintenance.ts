import type { Config } from '../config.ts';
import { type Database, lockMaintenance } from '../database/database.ts';
import { forgetDevices, pruneSessions } from './prune.ts';

const intervalMs = 10 * 60_000;

type Retention = Pick<Config, 'databaseUrl' | 'sessionRetentionMs' | 'deviceRetentionMs'>;

export type Maintenance = {
  /** Does no more than the batch that is running, and waits for it. */
  stop(): Promise<void>;
};

/**
 * Prunes sessions, and forgets the devices of ended ones, in the background every ten minutes, unless another process
 * is at it.
 */
export function startMaintenance(
  database: Database,
  retention: Retention,
  report: (error: unknown) => void,
  firstRunAfterMs = 5_000,
): Maintenance {
  const stopping = new AbortController();
  let forgottenUntil = new Date(0);
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    const release = await lockMaintenance(retention.databaseUrl);
    if (!release) return;
    try {
      const now = Date.now();
      const forgetBefore = new Date(now - retention.deviceRetentionMs);
      await forgetDevices(database, forgottenUntil, forgetBefore, stopping.signal);
      if (!stopping.signal.aborted) forgottenUntil = forgetBefore;
      await pruneSessions(database, new Date(now - retention.sessionRetentionMs), stopping.signal);
    } finally {
      release();
    }
  }

  let timer = setTimeout(tick, firstRunAfterMs);
  function tick(): void {
    running = run().catch(report);
    void running.then(() => {
      if (!stopping.signal.aborted) timer = setTimeout(tick, intervalMs).unref();
    });
  }
  timer.unref();
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
