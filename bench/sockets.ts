/**
 * Measures `closeWith` of graphql-sessions/verify with sockets of ws: the time from the answer to a logout to the close
 * that the client of the socket sees, and the behaviour when the server is killed: `node bench/sockets.ts [sockets]`.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import WebSocket, { WebSocketServer } from 'ws';
import { createVerifier, wsAuth } from '../src/verify/index.ts';
import { datasetOf, fillSqlite, service, tokenOf } from './dataset.ts';
import { type Server, startServer } from './processes.ts';

const count = Number(process.argv[2] ?? 1_000);
const maxUnreachableMs = 30_000;

function percentiles(values: number[]): string {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-bench-'));
const file = join(folder, 'bench.db');
await fillSqlite(file, datasetOf(3 * count));
const database = new BetterSqlite3(file);
database.exec(`UPDATE "ServiceClient" SET "scopes" = 'introspect events'`);
database.close();
const port = await freePort();

function start(): Promise<Server> {
  const answers = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).ok;
  const env = { DATABASE_URL: `file:${file}`, PUBLIC_URL: 'https://accounts.example.com', ALLOWED_HOSTS: '127.0.0.1' };
  return startServer({ name: 'server', args: ['src/main.ts'], port, env, cores: '0-63', answers });
}

let server = await start();
const verifier = createVerifier({
  url: `http://127.0.0.1:${port}`,
  clientId: service.clientId,
  clientSecret: service.secret,
  timeoutMs: 10_000,
  maxUnreachableMs,
  onError: (error) => console.log(`onError: ${error}`),
});
const webSocketServer = new WebSocketServer({ noServer: true });
const application = createServer().listen(0);
application.on('upgrade', wsAuth(verifier, webSocketServer));
await once(application, 'listening');
const { port: applicationPort } = application.address() as AddressInfo;

/** The time at which the client of a session saw the close, with its reason. */
const closed = new Map<number, { at: number; reason: string }>();

async function open(session: number): Promise<void> {
  const headers = { authorization: `Bearer ${tokenOf(session)}` };
  const socket = new WebSocket(`ws://127.0.0.1:${applicationPort}`, { headers });
  socket.on('close', (_, reason) => closed.set(session, { at: performance.now(), reason: String(reason) }));
  socket.on('error', console.error);
  await once(socket, 'open');
}

/** Opens the sockets of the sessions from one number on. */
async function openAll(from: number): Promise<number[]> {
  const sessions = Array.from({ length: count }, (_, i) => from + i);
  await inGroups(sessions, open);
  return sessions;
}

/** Calls a function for all sessions, for a few at a time. */
async function inGroups(sessions: number[], act: (session: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < sessions.length; i += 20) await Promise.all(sessions.slice(i, i + 20).map(act));
}

/** Ends a session, and returns the time of the answer. */
async function logOut(session: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf(session)}` },
    body: '{"query":"mutation { logout { revokedSessionId } }"}',
  });
  const { data } = (await response.json()) as { data: { logout: { revokedSessionId: string | null } } };
  if (data.logout.revokedSessionId === null) throw new Error(`Session ${session} was not live.`);
  return performance.now();
}

async function closesOf(sessions: number[]): Promise<void> {
  while (!sessions.every((session) => closed.has(session))) await sleep(10);
}

function report(what: string, sessions: number[], since: (session: number) => number): void {
  const delays = sessions.map((session) => Math.max(0, (closed.get(session)?.at ?? 0) - since(session)));
  const reasons = [...new Set(sessions.map((session) => closed.get(session)?.reason))].join(', ');
  console.log(`${sessions.length} sockets, ${what}: ${percentiles(delays)}, ${reasons}`);
}

try {
  const sessions = await openAll(1);
  const ended = new Map<number, number>();
  for (const session of sessions) ended.set(session, await logOut(session));
  await closesOf(sessions);
  report('from the answer to each logout to the close', sessions, (session) => ended.get(session) ?? 0);

  const others = await openAll(count + 1);
  const [last = 0, ...first] = others.toReversed();
  process.kill(server.pid, 'SIGKILL');
  await sleep(1_000);
  if (others.some((session) => closed.has(session))) throw new Error('A socket closed too early.');
  server = await start();
  await inGroups(first, async (session) => ended.set(session, await logOut(session)));
  await closesOf(first);
  report('from the answer to each logout after kill -9 and a restart', first, (session) => ended.get(session) ?? 0);

  const third = await openAll(2 * count + 1);
  process.kill(server.pid, 'SIGKILL');
  const killed = performance.now();
  await closesOf([last, ...third]);
  report(`from kill -9 to the close, with maxUnreachableMs ${maxUnreachableMs}`, [last, ...third], () => killed);
} finally {
  verifier.stop();
  application.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
