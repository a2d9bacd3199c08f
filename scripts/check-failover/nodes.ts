/** Three servers of this project on one database. */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/postgresql-server.ts';
import { end, startProgram } from './processes.ts';

export type Nodes = {
  /** The addresses of GraphQL. */
  addresses: string[];
  /** Returns for how long each node was not ready since the last call, in milliseconds. */
  takeUnreadyMs(): number[];
  /** Returns the warnings and faults in the logs of all nodes, each with the number of its lines. Requests are left out. */
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
};

const pollMs = 100;

/** Starts three servers. Their logs are in files of the folder. */
export async function startNodes(databaseUrl: string, folder: string): Promise<Nodes> {
  const started: { child: ChildProcess; origin: string; unreadyMs: number }[] = [];
  for (const name of ['node1', 'node2', 'node3']) {
    const port = await freePort();
    const env = { ...settings, DATABASE_URL: databaseUrl, PORT: String(port), MAIL_FOLDER: join(folder, 'mail') };
    const child = startProgram(folder, [process.execPath, resolve('src/main.ts')], { env, log: name });
    const node = { child, origin: `http://127.0.0.1:${port}`, unreadyMs: 0 };
    started.push(node);
    while (!(await isReady(node.origin))) {
      if (child.exitCode !== null) throw new Error(await readFile(join(folder, `${name}.log`), 'utf8'));
      await sleep(pollMs);
    }
  }
  const stopping = new AbortController();
  const watching = started.map(async (node) => {
    for (let before = performance.now(); !stopping.signal.aborted; await sleep(pollMs)) {
      const ready = await isReady(node.origin);
      const now = performance.now();
      if (!ready) node.unreadyMs += now - before;
      before = now;
    }
  });
  return {
    addresses: started.map(({ origin }) => `${origin}/graphql`),
    takeUnreadyMs: () =>
      started.map((node) => {
        const { unreadyMs } = node;
        node.unreadyMs = 0;
        return unreadyMs;
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
    async stop() {
      stopping.abort();
      await Promise.all(watching);
      await Promise.all(started.map(({ child }) => end(child, 'SIGTERM')));
    },
  };
}

function isReady(origin: string): Promise<boolean> {
  return fetch(`${origin}/ready`, { signal: AbortSignal.timeout(10_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
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
