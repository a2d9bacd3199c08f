/** Answers the health probes of load balancers and supervisors. */
import type { Readiness, Reason } from '../../database/readiness/readiness.ts';
import { OperatorNotice } from '../../errors.ts';
import type { Outgoing } from '../messages.ts';
import { pathOf } from '../request/path.ts';

const paths = { health: '/health', ready: '/ready' } as const;

/** Load balancers ask for these paths all the time, so that logs, traces and warnings leave them out. */
export const probePaths: ReadonlySet<string> = new Set(Object.values(paths));

/** Returns whether the target of a request is that of a probe. */
export function isProbe(target: string): boolean {
  return probePaths.has(pathOf(target));
}

export type Probes = {
  /** Returns the function that answers the probe at this path, or undefined if the path is no probe. */
  at(path: string): ((target: string) => Promise<Outgoing>) | undefined;
  /** Makes `/ready` answer 503 from now on. */
  drain(): void;
};

/**
 * Returns the probes. `/health` tells that the process answers, and does not ask the database. `/ready` tells that this
 * server can serve reads, and so check sessions: the database can be read and is migrated, and the server is not
 * stopping. `/ready?write` tells that writes succeed as well, such as logins.
 *
 * A change is reported. Anybody may send probes, so their number has no effect on the log.
 */
export function probeRoutes(readiness: Readiness, report: (error: unknown) => void): Probes {
  let isDraining = false;
  const reads = changes('Ready', report);
  const writes = changes('Ready for writes', report);

  async function ready(target: string): Promise<Outgoing> {
    if (isDraining) return notReady('the server is stopping');
    const isForWrites = asksForWrites(target);
    const reason = await (isForWrites ? readiness.writes() : readiness.reads());
    (isForWrites ? writes : reads)(reason);
    return reason === null ? plain(200, 'ready\n') : notReady(reason);
  }

  const probes = new Map<string, (target: string) => Promise<Outgoing>>([
    [paths.health, async () => plain(200, 'ok\n')],
    [paths.ready, ready],
  ]);
  return {
    at: (path) => probes.get(path),
    drain() {
      isDraining = true;
    },
  };
}

/** Each expression takes linear time: this precedes every check of the request. */
function asksForWrites(target: string): boolean {
  const [, query = ''] = /\?([^#]*)/.exec(target) ?? [];
  return /(?:^|&)write(?:[=&]|$)/.test(query);
}

/** Returns a function that reports a state if it differs from the state before. */
function changes(name: string, report: (error: unknown) => void): (reason: Reason) => void {
  let before: Reason = null;
  return (reason) => {
    if (reason === before) return;
    before = reason;
    const [severity, message] =
      reason === null ? (['info', name] as const) : (['warning', `Not ${lower(name)}: ${reason}`] as const);
    report(new OperatorNotice(severity, `${message}.`));
  };
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function notReady(reason: string): Outgoing {
  return plain(503, `not ready: ${reason}\n`);
}

function plain(status: number, body: string): Outgoing {
  return { status, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body };
}
