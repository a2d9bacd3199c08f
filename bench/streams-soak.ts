/**
 * Runs three servers on one PostgreSQL database with open streams of session events. Sessions end all the time, and every
 * half minute a server is killed (SIGKILL) and started again. Prints the time from the acknowledgement of an end to the
 * end of the session's stream, and what was missed: `node bench/streams-soak.ts [minutes] [streams]`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/support/ports.ts';
import { onServer, startPostgresql, urlOf } from '../test/support/postgresql-server.ts';
import { datasetOf, fillPostgresql, tokenOf } from './dataset.ts';
import { type Server, startServer } from './processes.ts';

const minutes = Number(process.argv[2] ?? 10);
const streams = Number(process.argv[3] ?? 1_000);
const endsPerSecond = 8;
const killEveryMs = 30_000;
const sessions = streams + Math.ceil(minutes * 60 * endsPerSecond * 1.2);

const document = `subscription ($after: String) {
  sessionEvents(after: $after) {
    __typename
    ... on SessionsSnapshot { cursor }
    ... on SessionStarted { cursor }
    ... on SessionEnded { cursor reason sessionId }
    ... on SessionChanged { cursor }
    ... on ViewerChanged { cursor }
  }
}`;

const nodes: Server[] = [];
const live = new Set<number>();

/** Returns a random server that is up. */
function anyNode(): Server {
  const up = nodes.filter((_, index) => live.has(index));
  return up[Math.floor(Math.random() * up.length)] ?? (nodes[0] as Server);
}

async function start(databaseUrl: string): Promise<Server> {
  return startServer({
    name: 'server',
    args: ['src/main.ts'],
    port: await freePort(),
    cores: '0,1',
    env: {
      DATABASE_URL: databaseUrl,
      PUBLIC_URL: 'https://bench.example.com',
      ALLOWED_HOSTS: '127.0.0.1',
      // The clients have many addresses.
      TRUSTED_PROXIES: '127.0.0.1',
      LOG_LEVEL: 'error',
    },
    answers: async (port) => (await fetch(`http://127.0.0.1:${port}/ready`)).ok,
  });
}

type Stream = {
  session: number;
  cursor: string | null;
  hasEnded: boolean;
  /** The number of connections. Each but the first is after a failure. */
  connections: number;
  gotEnd: boolean;
  endedAt: number;
  refusals: number;
};

/** Follows a stream, also after its server was killed, until its session has ended. */
async function follow(stream: Stream): Promise<void> {
  while (!stream.hasEnded && !isOver) {
    stream.connections += 1;
    await connect(stream).catch(() => {});
    if (!stream.hasEnded) await sleep(100 + Math.random() * 400);
  }
}

async function connect(stream: Stream): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${anyNode().port}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${tokenOf(stream.session)}`,
      'x-forwarded-for': `10.${stream.session >> 16}.${(stream.session >> 8) & 255}.${stream.session & 255}`,
    },
    body: JSON.stringify({ query: document, variables: { after: stream.cursor } }),
    signal: over.signal,
  });
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      take(stream, text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function take(stream: Stream, message: string): void {
  if (message.includes('event: complete')) {
    stream.hasEnded = true;
    stream.endedAt = performance.now();
    return;
  }
  const [, json] = /^data: (.*)$/m.exec(message) ?? [];
  if (!json) return;
  const { data, errors } = JSON.parse(json);
  if (errors) {
    stream.refusals += 1;
    refusals.set(errors[0].extensions.code, (refusals.get(errors[0].extensions.code) ?? 0) + 1);
    // The session had ended while the client was between two servers.
    if (errors[0].extensions.code !== 'UNAUTHENTICATED') return;
    stream.hasEnded = true;
    stream.endedAt = performance.now();
    return;
  }
  stream.cursor = data.sessionEvents.cursor;
  if (data.sessionEvents.__typename === 'SessionEnded') stream.gotEnd = true;
}

/** Ends the session of a stream, by its own token, on another server. Returns when that was acknowledged. */
async function end({ session }: Stream): Promise<number> {
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${anyNode().port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf(session)}` },
        body: JSON.stringify({ query: 'mutation { logout { revokedSessionId } }' }),
      });
      if (response.ok && (await response.json()).data?.logout) return performance.now();
    } catch {
      await sleep(50);
    }
  }
}

function percentiles(values: number[]): string {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
  return `${values.length} times, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}

const over = new AbortController();
let isOver = false;
const refusals = new Map<string, number>();
const counts = { ends: 0, kills: 0, withoutEvent: 0, notEnded: 0 };
const undisturbed: number[] = [];
const disturbed: number[] = [];

const postgresql = await startPostgresql();
await onServer(postgresql.url, 'CREATE DATABASE soak');
const databaseUrl = urlOf(postgresql.url, 'soak');
await fillPostgresql(databaseUrl, datasetOf(sessions));
for (let node = 0; node < 3; node += 1) {
  nodes.push(await start(databaseUrl));
  live.add(node);
}

let next = 1;
const open: Stream[] = [];
function openNext(): void {
  const stream = {
    session: next,
    cursor: null,
    hasEnded: false,
    connections: 0,
    gotEnd: false,
    endedAt: 0,
    refusals: 0,
  };
  next += 1;
  open.push(stream);
  void follow(stream);
}
for (let n = 0; n < streams; n += 1) openNext();
while (open.some(({ cursor }) => cursor === null)) await sleep(50);
console.log(`${streams} streams are open on three servers. Sessions end for ${minutes} minutes.`);

const finishAt = performance.now() + minutes * 60_000;
async function kill(): Promise<void> {
  while (performance.now() + killEveryMs < finishAt) {
    await sleep(killEveryMs);
    const index = counts.kills % nodes.length;
    live.delete(index);
    process.kill(nodes[index]?.pid ?? 0, 'SIGKILL');
    counts.kills += 1;
    await sleep(2_000);
    nodes[index] = await start(databaseUrl);
    live.add(index);
  }
}

async function endOne(): Promise<void> {
  const [stream] = open.splice(Math.floor(Math.random() * open.length), 1);
  if (!stream) return;
  openNext();
  const connections = stream.connections;
  const acknowledgedAt = await end(stream);
  counts.ends += 1;
  const giveUpAt = acknowledgedAt + 10_000;
  while (!stream.hasEnded && performance.now() < giveUpAt) await sleep(5);
  if (!stream.hasEnded) {
    counts.notEnded += 1;
    return;
  }
  const isUndisturbed = stream.connections === connections && stream.gotEnd;
  (isUndisturbed ? undisturbed : disturbed).push(Math.max(0, stream.endedAt - acknowledgedAt));
  if (!stream.gotEnd) counts.withoutEvent += 1;
}

const killing = kill();
const ending: Promise<void>[] = [];
while (performance.now() < finishAt) {
  ending.push(endOne());
  await sleep(1_000 / endsPerSecond);
}
await Promise.all([killing, ...ending]);
isOver = true;
over.abort();
console.log(`${counts.ends} sessions ended, ${counts.kills} servers killed.`);
console.log(`From the acknowledgement to the end of the stream: ${percentiles(undisturbed)}`);
console.log(`The same for clients that had to connect again: ${percentiles(disturbed)}`);
console.log(
  `Streams that did not end: ${counts.notEnded}. Ends that a new connection told by its refusal: ${counts.withoutEvent}`,
);
console.log(`Refusals: ${JSON.stringify(Object.fromEntries(refusals))}`);
await Promise.all(nodes.map((node) => node.stop()));
await postgresql.stop();
