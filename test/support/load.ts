import { setTimeout as sleep } from 'node:timers/promises';
import type { Data } from './api.ts';

/** Settings of a server whose load comes from one address. */
export const underLoad = { ANONYMOUS_SESSIONS_PER_ADDRESS: '1000000' };

/** The maximum time of a request. None takes as long, even on a busy machine. */
const giveUpMs = 120_000;

export type Answered = { status: number; body: Data; tookMs: number };

/** Sends one operation over HTTP, and never throws: a connection that broke is a status of 0. */
export async function send(address: string, query: string, token?: string): Promise<Answered> {
  const began = performance.now();
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  try {
    const signal = AbortSignal.timeout(giveUpMs);
    const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify({ query }), signal });
    const body = (await response.json()) as Data;
    return { status: response.status, body, tookMs: performance.now() - began };
  } catch {
    return { status: 0, body: null, tookMs: performance.now() - began };
  }
}

const start = 'mutation { startSession(transport: BEARER) { token session { handle } } }';
const logout = 'mutation { logout { revokedSessionId } }';

export type Acknowledged = {
  /** Handles of sessions whose start was acknowledged. */
  started: Set<string>;
  /** Handles of those whose end was acknowledged too. */
  ended: Set<string>;
  /** The maximum response time, for answers of every status. */
  maxMs: number;
  /** Answers by their status; 0 is a connection that broke. */
  statuses: Map<number, number>;
  /** Answers that told a client with a live session that it has none. */
  wronglySignedOut: number;
};

/**
 * Starts sessions and ends every other one, through all addresses concurrently, until it is stopped. `seen` has the
 * acknowledged writes so far, `reach` waits for a number of further acknowledged starts, `stop` returns everything.
 */
export function putUnderLoad(addresses: string[]) {
  let isOver = false;
  const seen: Acknowledged = {
    started: new Set(),
    ended: new Set(),
    maxMs: 0,
    statuses: new Map(),
    wronglySignedOut: 0,
  };
  const note = (answered: Answered): Answered => {
    seen.maxMs = Math.max(seen.maxMs, answered.tookMs);
    seen.statuses.set(answered.status, (seen.statuses.get(answered.status) ?? 0) + 1);
    return answered;
  };
  async function client(address: string, other: string): Promise<void> {
    for (let turn = 0; !isOver; turn += 1) {
      const { body } = note(await send(address, start));
      const started = body?.data?.startSession;
      if (!started) {
        await sleep(20);
        continue;
      }
      const { handle } = started.session;
      seen.started.add(handle);
      if (turn % 2 === 0) continue;
      const { status, body: answer } = note(await send(other, logout, started.token));
      if (status !== 200) continue;
      if (answer?.data?.logout?.revokedSessionId) seen.ended.add(handle);
      else if (answer?.data?.logout) seen.wronglySignedOut += 1;
    }
  }
  const pairs = addresses.flatMap((address, n) => [0, 1].map((k) => [address, addresses[(n + k) % addresses.length]]));
  const clients = Promise.all(pairs.map(([address = '', other = '']) => client(address, other)));
  return {
    seen,
    async reach(starts: number): Promise<void> {
      for (const goal = seen.started.size + starts; seen.started.size < goal; ) await sleep(20);
    },
    async stop(): Promise<Acknowledged> {
      isOver = true;
      await clients;
      return seen;
    },
  };
}

/** Returns the time until every address answers a request that needs the database, in milliseconds. */
export async function recovered(addresses: string[]): Promise<number> {
  const began = performance.now();
  await Promise.all(
    addresses.map(async (address) => {
      while ((await send(address, start)).status !== 200) await sleep(20);
    }),
  );
  return performance.now() - began;
}
