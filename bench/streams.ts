/**
 * Measures idle streams at one server: its memory and its processor time for each, on SQLite:
 * `node bench/streams.ts [streams]`, 10,000 by default. It raises the limit of open files, which must reach a few
 * more than the streams, for itself and the server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateDatabase, openDatabase } from '../src/database/database.ts';
import { openStream, storeSessions } from '../test/support/many-streams.ts';

const streamsPerUser = 5;
const idleMs = 30_000;
const ticksPerSecond = 100;

/** Starts this program again with a higher limit, which only a shell can set. */
async function raised(count: number): Promise<void> {
  const command = 'ulimit -n "$(ulimit -H -n)" && exec "$0" "$@"';
  const args = ['-c', command, process.execPath, ...process.argv.slice(1, 2), String(count), 'raised'];
  const [code] = await once(spawn('sh', args, { stdio: 'inherit' }), 'close');
  process.exitCode = code;
}

/** Returns the resident memory of a process in MB, and its processor time in seconds (Linux). */
function usageOf({ pid }: ChildProcess): { memoryMB: number; cpuSeconds: number } {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return { memoryMB: Number(kilobytes) / 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
}

async function startServer(url: string): Promise<{ child: ChildProcess; address: string }> {
  const env = {
    PATH: '/usr/bin:/bin',
    DATABASE_URL: url,
    PORT: '0',
    TRUSTED_PROXIES: '127.0.0.1',
    LOG_FORMAT: 'text',
    STREAMS_PER_NODE: '20000',
  };
  const child = spawn(process.execPath, ['src/main.ts'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += chunk;
    const [, address] = /^GraphQL +(http\S+)$/m.exec(printed) ?? [];
    if (address) return { child, address: address.replace('localhost', '127.0.0.1') };
  }
  throw new Error(`The server did not start: ${printed}`);
}

async function measure(count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-bench-'));
  const url = `file:${join(folder, 'bench.db')}`;
  await migrateDatabase(url);
  const database = await openDatabase(url);
  const sessions = await storeSessions(database, Math.ceil(count / streamsPerUser));
  await database.$disconnect();
  const { child, address } = await startServer(url);
  try {
    const before = usageOf(child);
    const began = performance.now();
    for (let from = 0; from < count; from += 100) {
      const some = sessions.slice(from, from + 100).map(({ token }, index) => openStream(address, token, from + index));
      const statuses = await Promise.all(some.map(({ opened }) => opened));
      if (statuses.some((status) => status !== 200)) throw new Error(`Refused: ${statuses.join()}`);
    }
    const openedMs = performance.now() - began;
    const opened = usageOf(child);
    await sleep(idleMs);
    const idle = usageOf(child);
    const cpuShare = (idle.cpuSeconds - opened.cpuSeconds) / (idleMs / 1_000);
    const perStreamKB = ((idle.memoryMB - before.memoryMB) * 1024) / count;
    console.log(
      `${count} idle streams: opened in ${(openedMs / 1_000).toFixed(1)} s; memory ${before.memoryMB.toFixed(0)} MB → ` +
        `${idle.memoryMB.toFixed(0)} MB, ${perStreamKB.toFixed(1)} KB a stream; processor ${(100 * cpuShare).toFixed(1)} % of a ` +
        `core, ${((1e6 * cpuShare) / count).toFixed(1)} µs a second for a stream`,
    );
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

const [, , given = '10000', state] = process.argv;
if (state === 'raised') await measure(Number(given)).finally(() => process.exit());
else await raised(Number(given));
