/** Damaged HTTP requests, and the invariants of every answer. */
import { connect } from 'node:net';
import { type Fuzzed, problemOf } from './fuzz-operations.ts';
import { operationOf } from './generated-operations.ts';
import { type Random, randomFrom } from './random.ts';

/** The beginnings of the headers that every answer has, also one of Node. */
const everywhere = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'",
};

/** Sends requests as bytes to a server on this machine, most of them damaged, each on its own connection. */
export async function fuzzBytes(port: number, seed: number, requests: number): Promise<Fuzzed> {
  const random = randomFrom(seed);
  const fuzzed: Fuzzed = { statuses: new Map(), problems: [] };
  for (let sent = 0; sent < requests && fuzzed.problems.length < 10; sent += 8) {
    const batch = Array.from({ length: Math.min(8, requests - sent) }, () => bytesOf(random));
    const answers = await Promise.all(batch.map((bytes) => exchange(port, bytes)));
    for (const [n, answer] of answers.entries()) {
      const [head = '', ...rest] = answer.split('\r\n\r\n');
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
      fuzzed.statuses.set(status, (fuzzed.statuses.get(status) ?? 0) + 1);
      const missing = Object.entries(everywhere).find(
        ([name, value]) => !head.toLowerCase().includes(`\r\n${name}: ${value}`),
      );
      const isInformation = status < 200;
      const problem = problemOf(status, rest.join()) ?? (missing && !isInformation ? `no ${missing[0]}` : null);
      if (problem)
        fuzzed.problems.push(`${problem}\n${answer.slice(0, 500)}\n${JSON.stringify(batch[n]?.slice(0, 500))}`);
    }
  }
  return fuzzed;
}

function bytesOf(random: Random): string {
  // With its own seed: the other bytes, and the number of answers to them, do not depend on the schema.
  const operation = operationOf(randomFrom(random.below(2 ** 31)));
  const query = JSON.stringify({ query: random.pick(['{ __typename }', '{ viewer { id } }', operation]) });
  const end = random.onceIn(12) ? random.pick(['\n', '\r', '\r\n ']) : '\r\n';
  const method = random.pick(['POST', 'POST', 'POST', 'GET', 'OPTIONS', 'PUT', 'TRACE', 'HEAD', 'get', 'P OST', '']);
  const paths = [
    '/graphql',
    '/graphql',
    '/graphql',
    '/health',
    '/ready',
    '/',
    '//graphql',
    '/graphql?query={a}',
    '*',
    '/%',
  ];
  const target = random.pick([
    ...paths,
    'http://evil.example/graphql',
    '/graphql?variables={',
    `/${'x'.repeat(20_000)}`,
  ]);
  const version = random.onceIn(12) ? random.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTP/0.9', '']) : 'HTTP/1.1';
  const oddHeaders = [
    'host: evil.example',
    'Host: localhost',
    'host : localhost',
    'content-length: 5',
    'content-length: -1',
    'transfer-encoding: chunked',
    'transfer-encoding: identity',
    'transfer-encoding: chunked, gzip',
    'expect: 100-continue',
    'expect: x',
    'upgrade: websocket',
    'connection: upgrade',
    'content-encoding: gzip',
    'cookie: \u00a0session=x',
    'authorization: Bearer x',
    'origin: null',
    'sec-fetch-site: cross-site',
    'accept: text/html',
    'x-forwarded-for: not an address',
    `x-long: ${'y'.repeat(17_000)}`,
    ': no name',
    'no colon',
    'bad\u0000name: x',
  ];
  const headers = ['host: localhost', 'content-type: application/json', `content-length: ${query.length}`];
  for (let times = random.below(3); times > 0; times -= 1) headers.push(random.pick(oddHeaders));
  if (random.onceIn(10)) headers.splice(random.below(headers.length), 1);
  const bytes = [`${method} ${target} ${version}`, ...headers, 'connection: close', '', query].join(end);
  return random.onceIn(10) ? bytes.slice(0, random.below(bytes.length)) : bytes;
}

/** Sends bytes, ends its side of the connection, and returns the whole answer. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('close', () => resolve(answer));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.end(bytes, 'latin1');
  });
}
