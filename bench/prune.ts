/**
 * Prunes a million sessions among a million live ones while a user logs in repeatedly, and prints the waiting times:
 * `node bench/prune.ts [rows]`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { login } from '../src/accounts/login.ts';
import { signUp } from '../src/accounts/sign-up.ts';
import { readConfig } from '../src/config/config.ts';
import { migrateDatabase, openDatabase } from '../src/database/database.ts';
import { deleteClientInfo, pruneSessions } from '../src/maintenance/prune.ts';
import { commandScope } from '../src/scope.ts';
import { requireAddress } from '../src/users/user.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const day = 86_400_000;
const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-bench-'));
const file = join(folder, 'bench.db');
await migrateDatabase(`file:${file}`);

const filler = new BetterSqlite3(file);
filler.exec('PRAGMA synchronous = OFF');
const insert = filler.prepare(
  `INSERT INTO "Session" ("createdAt", "updatedAt", "expiresAt", "handle", "hashedSessionToken", "userAgent", "ipAddress")
   WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
   SELECT 1, 1, ? + abs(random() % 86400000), lower(hex(randomblob(16))), lower(hex(randomblob(32))), 'curl/8', '203.0.113.5' FROM n`,
);
for (const days of [-40, 5]) insert.run(rows, Date.now() + days * day);
filler.close();

const config = readConfig({});
const database = await openDatabase(`file:${file}`);
const ada = {
  email: 'ada@example.com',
  password: 'correct horse battery staple',
  transport: 'BEARER',
  isRemembered: true,
  visitor: null,
} as const;
await signUp(database, commandScope(new Date()), ada, config);
const identifier = { kind: 'address', address: requireAddress(ada.email) } as const;
const credentials = { ...ada, identifier, proofOfWork: null };

type Waits = { reads: number[]; logins: number[]; delay: ReturnType<typeof monitorEventLoopDelay> };

/** Reads and logs in, one after the other, until the work is done. */
async function useUntil(work: Promise<unknown>): Promise<Waits> {
  const waits: Waits = { reads: [], logins: [], delay: monitorEventLoopDelay({ resolution: 1 }) };
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  waits.delay.enable();
  for (let turn = 0; !isDone; turn += 1) {
    const began = performance.now();
    if (turn % 10 === 0) await login(database, commandScope(new Date()), credentials, config);
    else await database.session.findFirst({ where: { userId: 1 }, orderBy: { id: 'desc' } });
    (turn % 10 === 0 ? waits.logins : waits.reads).push(performance.now() - began);
    await setImmediate();
  }
  waits.delay.disable();
  return waits;
}

function percentiles(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  return `${values.length} times, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}

function print(title: string, { reads, logins, delay }: Waits): void {
  console.log(`${title}\n  reads   ${percentiles(reads)}\n  logins  ${percentiles(logins)}`);
  const ms = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(1);
  console.log(`  event loop: p99 ${ms(delay.percentile(99))} ms, max ${ms(delay.max)} ms`);
}

print('Without pruning, for 10 s', await useUntil(new Promise((resolve) => setTimeout(resolve, 10_000))));
const began = performance.now();
const pruning = pruneSessions(database, new Date(Date.now() - 30 * day));
print('While pruning', await useUntil(pruning));
console.log(`Pruned ${await pruning} of ${2 * rows} rows in ${((performance.now() - began) / 1000).toFixed(0)} s`);
const deletion = deleteClientInfo(database, new Date(Date.now() + 6 * day));
print('While deleting the client information of the million that is left', await useUntil(deletion));
console.log(`Deleted the client information of ${await deletion} sessions`);
await database.$disconnect();
await rm(folder, { recursive: true });
