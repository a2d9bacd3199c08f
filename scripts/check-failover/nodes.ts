/** Three servers of this project on one database. */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/ports.ts';
import { isReady } from '../is-ready.ts';
import { end, startProgram } from './processes.ts';

export type Nodes = {
  /** The addresses of GraphQL. */
  addresses: string[];
  /** Returns for how long `/ready` and `/ready?write` of each node were 503 since the last call, in milliseconds. */
  takeUnreadyMs(): { reads: number[]; writes: number[] };
  /**
   * Returns the warnings and faults in the logs of all nodes, each with the number of its lines. Requests are left out.
   */
  readLog(): Promise<Map<string, number>>;
  stop(): Promise<void>;
};

const settings = {
  LOG_LEVEL: 'warn',
  LOG_FORMAT: 'json',
  DRAIN_TIME: '0s',
  ANONYMOUS_SESSIONS_PER_ADDRESS: '1000000',
  SIGN_UPS_PER_ADDRESS: '1000000',
  LOGIN_ATTEMPTS_PER_ADDRESS: '1000000',
  CAPTCHA_AFTER: '0',
};

const pollMs = 100;

/** Starts three servers. Their logs are in files of the folder. */
export async function startNodes(databaseUrl: string, folder: string): Promise<Nodes> {
  const started: { child: ChildProcess; origin: string; reads: Watch; writes: Watch }[] = [];
  const stopping = new AbortController();
  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.all(started.flatMap(({ reads, writes }) => [reads.ended, writes.ended]));
    await Promise.all(started.map(({ child }) => end(child, 'SIGTERM')));
  }
  for (const name of ['node1', 'node2', 'node3']) {
    const port = await freePort();
    const env = { ...settings, DATABASE_URL: databaseUrl, PORT: String(port), MAIL_FOLDER: join(folder, 'mail') };
    const child = startProgram(folder, [process.execPath, resolve('src/main.ts')], { env, log: name });
    const origin = `http://127.0.0.1:${port}`;
    while (!(await isReady(`${origin}/ready`))) {
      if (child.exitCode !== null) {
        await stop();
        throw new Error(await readFile(join(folder, `${name}.log`), 'utf8'));
      }
      await sleep(pollMs);
    }
    const reads = watch(`${origin}/ready`, stopping.signal);
    started.push({ child, origin, reads, writes: watch(`${origin}/ready?write`, stopping.signal) });
  }
  return {
    addresses: started.map(({ origin }) => `${origin}/graphql`),
    takeUnreadyMs: () => ({
      reads: started.map(({ reads }) => reads.take()),
      writes: started.map(({ writes }) => writes.take()),
    }),
    async readLog() {
      const logs = await Promise.all([1, 2, 3].map((n) => readFile(join(folder, `node${n}.log`), 'utf8')));
      const counts = new Map<string, number>();
      for (const line of logs.join('').split('\n')) {
        const said = summaryOf(line);
        if (said) counts.set(said, (counts.get(said) ?? 0) + 1);
      }
      return counts;
    },
    stop,
  };
}

type Watch = { take(): number; ended: Promise<void> };

/** Asks a probe until the signal, and adds up for how long it failed. */
function watch(probe: string, signal: AbortSignal): Watch {
  let failedMs = 0;
  async function ask(): Promise<void> {
    for (let before = performance.now(); !signal.aborted; await sleep(pollMs)) {
      const ready = await isReady(probe);
      const now = performance.now();
      if (!ready) failedMs += now - before;
      before = now;
    }
  }
  return {
    take() {
      const taken = failedMs;
      failedMs = 0;
      return taken;
    },
    ended: ask(),
  };
}

/** Returns a line without its time. Null for a request. */
function summaryOf(line: string): string | null {
  if (!line.startsWith('{')) return line.slice(0, 200) || null;
  const { level, msg, announced, fault, error } = JSON.parse(line);
  if (msg === 'Request') return null;
  // Prisma's own words come before those of the database.
  const reason = error?.message.trim().split('\n').at(-1);
  return [level, msg, announced, fault, reason].filter(Boolean).join(' | ').slice(0, 200);
}
