/** Faults of a database under load, and their effect on the clients. */
import { setTimeout as sleep } from 'node:timers/promises';
import { compare } from './load/ledger.ts';
import type { Load, Seen } from './load/put-under-load.ts';
import type { Stand } from './stand.ts';

export type Fault = {
  /** The synchronous standby if it is not the primary. */
  isStandby: boolean;
  /** The function of the cluster. After any but `kill`, the machine is killed when all nodes write again. */
  kind: 'kill' | 'freeze' | 'orphan';
};

/** A fault and its effect. Times are in milliseconds since the fault, unless they say otherwise. */
export type Trial = {
  machine: string;
  promotedMs: number;
  /** The first acknowledged write on each node after the promotion. */
  writtenMs: number[];
  /** The longest time without an acknowledged write on each node. */
  gapMs: number[];
  /** For how long `/ready` and `/ready?write` of each node were 503. */
  unreadyMs: { reads: number[]; writes: number[] };
  /** From the start of the machine. */
  rejoinedMs: number;
  seen: Seen;
  lost: string[];
};

/** In milliseconds: later acknowledgements cannot be of writes that the standby had before it hung. */
const inFlightMs = 1_000;

/** Injects a fault, waits until everything is as before, and compares the acknowledged writes with the database. */
export async function inject({ isStandby, kind }: Fault, stand: Stand): Promise<Trial> {
  const { cluster, nodes, load, databaseUrl } = stand;
  await reach(load, performance.now());
  const machine = await (isStandby ? cluster.findStandby() : cluster.findPrimary());
  load.take();
  nodes.takeUnreadyMs();
  const began = performance.now();
  await cluster[kind](machine);
  if (!isStandby) await cluster.promote(machine);
  const promotedAt = isStandby ? began + inFlightMs : performance.now();
  const writtenAt = await reach(load, promotedAt);
  if (kind !== 'kill') await cluster.kill(machine);
  const rejoiningAt = performance.now();
  await cluster.rejoin(machine);
  const rejoinedMs = performance.now() - rejoiningAt;
  const lost = await compare(load.ledger, databaseUrl);
  const seen = load.take();
  return {
    machine: machine.name,
    promotedMs: promotedAt - began,
    writtenMs: writtenAt.map((at) => at - began),
    gapMs: seen.acknowledgedAt.map((times) => longestGap([began, ...times.filter((time) => time > began)])),
    unreadyMs: nodes.takeUnreadyMs(),
    rejoinedMs,
    lost,
    seen,
  };
}

/** Returns the longest time between two of these times. */
function longestGap(times: number[]): number {
  return Math.max(...times.map((time, n) => time - (times[n - 1] ?? time)));
}

/** Waits until each node has acknowledged a write after a time. Returns the times of these acknowledgements. */
export async function reach(load: Load, after: number): Promise<number[]> {
  for (;;) {
    const first = load.acknowledgedAt().map((times) => times.find((time) => time > after));
    const known = first.filter((time) => time !== undefined);
    if (known.length === first.length) return known;
    await sleep(10);
  }
}
