/** What balancers and supervisors ask. */
import type { Database } from '../../database/database.ts';
import { isMigrated } from '../../database/ready.ts';
import type { Outgoing } from '../messages.ts';

const readyTimeoutMs = 2_000;

export type Probes = {
  /** Returns what answers a probe at this path, or undefined if the path is none. */
  at(path: string): (() => Promise<Outgoing>) | undefined;
  /** Makes the server answer from now on that it is not ready. */
  drain(): void;
};

/**
 * Returns the probes. `/health` says that the process answers at all. `/ready` says that requests should be sent here:
 * the database can be reached and is migrated, and the server is not stopping.
 */
export function probeRoutes(database: Database): Probes {
  let isDraining = false;
  const probes = new Map([
    ['/health', async () => plain(200, 'ok\n')],
    [
      '/ready',
      async () => {
        const isReady = !isDraining && (await isMigrated(database, readyTimeoutMs));
        return isReady ? plain(200, 'ready\n') : plain(503, 'not ready\n');
      },
    ],
  ]);
  return {
    at: (path) => probes.get(path),
    drain() {
      isDraining = true;
    },
  };
}

function plain(status: number, body: string): Outgoing {
  return { status, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body };
}
