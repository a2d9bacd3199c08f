/** Answers the health probes of load balancers and supervisors. */
import type { Database } from '../../database/database.ts';
import { isMigrated } from '../../database/ready.ts';
import type { Outgoing } from '../messages.ts';

const readyTimeoutMs = 2_000;

export type Probes = {
  /** Returns the function that answers the probe at this path, or undefined if the path is no probe. */
  at(path: string): (() => Promise<Outgoing>) | undefined;
  /** Makes `/ready` answer 503 from now on. */
  drain(): void;
};

/**
 * Returns the probes. `/health` tells that the process answers. `/ready` tells that this server can take requests: the
 * database can be reached and is migrated, and the server is not stopping.
 */
export function probeRoutes(database: Database): Probes {
  let isDraining = false;
  let check: Promise<boolean> | null = null;
  /** Asks the database once for all probes that come meanwhile: anybody may send them, and they pass the queue. */
  function isDatabaseReady(): Promise<boolean> {
    check ??= isMigrated(database, readyTimeoutMs).finally(() => {
      check = null;
    });
    return check;
  }
  const probes = new Map([
    ['/health', async () => plain(200, 'ok\n')],
    [
      '/ready',
      async () => {
        const isReady = !isDraining && (await isDatabaseReady());
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
