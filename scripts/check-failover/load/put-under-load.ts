/** Bounded load on the servers, and the answers that clients got. */
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../../../test/support/load.ts';
import { type Ask, join, visit } from './client.ts';
import type { Ledger } from './ledger.ts';

/** The answers since a fault. */
export type Seen = {
  /** Answers by their status and code, such as `503 SERVICE_UNAVAILABLE`; 0 is a connection that broke. */
  outcomes: Map<string, number>;
  /** Of those that failed. Others also wait for the processor. */
  longestFailureMs: number;
  /** The times of acknowledged writes by node, by the clock of `performance`. */
  acknowledgedAt: number[][];
};

export type Load = { ledger: Ledger; take(): Seen; acknowledgedAt(): number[][]; stop(): Promise<void> };

const visitorsPerNode = 2;
const membersPerNode = 1;
const retryMs = 50;

/** Puts servers under load until it is stopped. `take` returns and forgets the answers so far. */
export function putUnderLoad(addresses: string[]): Load {
  const ledger: Ledger = { sessions: new Map(), users: new Map(), revived: new Set() };
  const nothing = (): Seen => ({ outcomes: new Map(), longestFailureMs: 0, acknowledgedAt: addresses.map(() => []) });
  let seen = nothing();
  let isOver = false;

  const asks = addresses.map(
    (address, node): Ask =>
      async (query, token) => {
        const { status, body, tookMs } = await send(address, query, token);
        const code = body?.errors?.[0]?.extensions?.code;
        const outcome = [status, code].filter((part) => part !== undefined).join(' ');
        seen.outcomes.set(outcome, (seen.outcomes.get(outcome) ?? 0) + 1);
        if (outcome !== '200') seen.longestFailureMs = Math.max(seen.longestFailureMs, tookMs);
        const result = code === undefined ? body?.data?.result : null;
        if (result) seen.acknowledgedAt[node]?.push(performance.now());
        else await sleep(retryMs);
        return result ?? null;
      },
  );

  const clients = asks.flatMap((here, node) => {
    const there = asks[(node + 1) % asks.length] ?? here;
    const visitors = Array.from({ length: visitorsPerNode }, async () => {
      for (let turn = 0; !isOver; turn += 1) await visit(ledger, { here, there }, turn % 2 === 0);
    });
    const members = Array.from({ length: membersPerNode }, async () => {
      while (!isOver) await join(ledger, { here, there });
    });
    return [...visitors, ...members];
  });

  return {
    ledger,
    take() {
      const taken = seen;
      seen = nothing();
      return taken;
    },
    acknowledgedAt: () => seen.acknowledgedAt,
    async stop() {
      isOver = true;
      await Promise.all(clients);
    },
  };
}
