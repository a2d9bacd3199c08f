/** Operations that no ordinary client sends, and the invariants of every answer. */
import type { Client, TestApi } from './api.ts';
import { expensiveDocuments } from './documents.ts';
import { operationOf } from './generated-operations.ts';
import { type Random, randomFrom } from './random.ts';

export type Fuzzed = {
  /** The number of answers with each status. */
  statuses: Map<number, number>;
  /** Wrong answers, with their operations. At most ten. */
  problems: string[];
};

const expensive = Object.values(expensiveDocuments);

/** Sends operations to an app, by both of its paths, as every kind of client. */
export async function fuzzOperations(api: TestApi, seed: number, requests: number): Promise<Fuzzed> {
  const random = randomFrom(seed);
  const fuzzed: Fuzzed = { statuses: new Map(), problems: [] };
  let clients: Client[] = [];
  for (let sent = 0; sent < requests && fuzzed.problems.length < 10; sent += 1) {
    // Many operations end their own session.
    if (sent % 100 === 0) clients = await everyClient(api, `${seed}-${sent}`);
    const body = bodyOf(random);
    const headers = { ...random.pick(clients).headers(), ...headersOf(random) };
    const reportedBefore = api.reported.length;
    const response = await send(api, body, headers);
    const text = await response.text();
    fuzzed.statuses.set(response.status, (fuzzed.statuses.get(response.status) ?? 0) + 1);
    const problem =
      problemOf(response.status, text) ?? (api.reported.length > reportedBefore ? 'a bug was reported' : null);
    if (problem) fuzzed.problems.push(`${problem}\n${response.status} ${text.slice(0, 500)}\n${body.slice(0, 2_000)}`);
  }
  return fuzzed;
}

async function everyClient(api: TestApi, run: string): Promise<Client[]> {
  const visitor = api.client();
  visitor.token = (await visitor.ask('mutation { startSession(transport: BEARER) { token } }')).startSession.token;
  const ended = await api.signUp(`ended-${run}@example.com`, 'BEARER');
  await ended.ask('mutation { logout { revokedSessionId } }');
  const clients = [
    api.client(),
    visitor,
    ended,
    await api.signUp(`bearer-${run}@example.com`, 'BEARER'),
    await api.signUp(`cookie-${run}@example.com`, 'COOKIE'),
    await api.signUpAdmin(`admin-${run}@example.com`),
  ];
  // Each has its own address, so that limits for one do not end the run for all.
  for (const [n, client] of clients.entries()) client.address = `2001:db8:${n}::${run.length}`;
  return clients;
}

function bodyOf(random: Random): string {
  if (random.onceIn(30)) return random.pick(['', '[]', 'null', '{', '{"query":1}', '{"query":null}', '\ufeff{}', '"']);
  const query = random.onceIn(25)
    ? random.pick(expensive)
    : random.onceIn(6)
      ? damaged(operationOf(random), random)
      : operationOf(random);
  const variables = random.pick<unknown>([undefined, undefined, {}, { v: 'VXNlcjox' }, { v: [] }, null, [], 'x']);
  return JSON.stringify({ query, variables, operationName: random.pick([undefined, undefined, '', 'Q0']) });
}

/** Cuts out, doubles or replaces a few characters. */
function damaged(text: string, random: Random): string {
  let result = text;
  for (let times = 1 + random.below(3); times > 0; times -= 1) {
    const at = random.below(result.length);
    const piece = random.pick([
      '',
      '{',
      '}',
      '"',
      '(',
      ')',
      '$',
      '@skip',
      '...',
      '\u0000',
      '#',
      '\n',
      result.slice(at, at + 20),
    ]);
    result = result.slice(0, at) + piece + result.slice(at + random.below(4));
  }
  return result;
}

function headersOf(random: Random): Record<string, string> {
  return {
    ...(random.onceIn(4)
      ? { accept: random.pick(['*/*', 'application/graphql-response+json', 'text/html', 'x']) }
      : {}),
    ...(random.onceIn(20) ? { 'content-type': random.pick(['text/plain', 'application/json;charset=x', '']) } : {}),
    ...(random.onceIn(20) ? { origin: random.pick(['null', 'https://evil.example', 'http://localhost:4000']) } : {}),
    ...(random.onceIn(20) ? { 'x-service-key': 'wrong' } : {}),
    ...(random.onceIn(20) ? { 'user-agent': '\u00ff'.repeat(600) } : {}),
  };
}

async function send({ app, config }: TestApi, body: string, headers: Record<string, string>) {
  const url = new URL('/graphql', config.publicUrl);
  const request = new Request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return app.fetch(request, '192.0.2.1');
}

/** Returns the problem of an answer that is wrong for every request, or null. */
export function problemOf(status: number, text: string): string | null {
  if (status >= 500) return 'a status that says the server failed';
  if (text.includes('INTERNAL_SERVER_ERROR')) return 'a bug';
  if (/\bat .{1,200}\.(?:js|ts):\d+|node_modules|PrismaClient/.test(text)) return 'a stack trace';
  return null;
}
