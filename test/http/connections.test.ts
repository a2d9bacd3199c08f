import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { maxHeldBytes, maxPipelined } from '../../src/http/connections.ts';
import type { App } from '../../src/http/front-door.ts';
import { listen } from '../../src/http/server.ts';
import { startApi } from '../support/api.ts';
import { framings, rawOperation, sendRaw } from '../support/raw.ts';

const post = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const operation = '{"query":"{ __typename }"}';
const request = `${post}Content-Length: ${operation.length}\r\n\r\n${operation}`;
const health = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** Starts a server with a replacement for the function that answers operations. */
async function serve(answerOperation?: App['handle']) {
  const api = await startApi();
  const handle: App['handle'] = (incoming) =>
    answerOperation && incoming.method === 'POST' ? answerOperation(incoming) : api.app.handle(incoming);
  const { port, stop } = await listen({ ...api.app, handle }, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  return { api, port };
}

/** Opens a connection that sends these bytes and stays open. */
function open(port: number, bytes: string): Socket {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes)).on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Never answers operations, but answers probes as usual. */
const neverAnswers: App['handle'] = () => new Promise<never>(() => {});

it('answers sixteen pipelined requests of a connection, in their order', async () => {
  const { port } = await serve();
  const named = Array.from({ length: maxPipelined }, (_, n) => `{"query":"{ a${n}: __typename }"}`);
  const bytes = named.map((body) => `${post}Content-Length: ${body.length}\r\n\r\n${body}`);
  const last = bytes.at(-1)?.replace('\r\n', '\r\nConnection: close\r\n') ?? '';
  const answers = await sendRaw(port, [...bytes.slice(0, -1), last].join(''));
  expect(answers.match(/a\d+(?=":"Query")/g)).toEqual(named.map((_, n) => `a${n}`));
});

it('ends a connection with more pipelined requests, and executes none of those', async () => {
  let taken = 0;
  const { port } = await serve((incoming) => {
    taken += 1;
    return neverAnswers(incoming);
  });
  expect(await sendRaw(port, request.repeat(300)).catch(() => '')).toBe('');
  expect(taken).toBeLessThanOrEqual(maxPipelined);
  expect(await sendRaw(port, health)).toMatch(/^HTTP\/1\.1 200 /);
});

it('refuses requests with 503 while thousands wait, except the probes of load balancers', async () => {
  const { port } = await serve(neverAnswers);
  const sockets = Array.from({ length: 188 }, () => open(port, request.repeat(maxPipelined)));
  for (const framing of framings) {
    await expect.poll(() => sendRaw(port, rawOperation(framing, '{ __typename }', ['Host: localhost']))).toMatch(/503/);
  }
  const refused = await sendRaw(port, request);
  expect(refused).toMatch(/^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n/s);
  expect(refused).toContain('cache-control: no-store');
  expect(refused).toContain('"code":"SERVER_OVERLOADED"');
  expect(await sendRaw(port, health)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await sendRaw(port, health.replace('/health', '/ready'))).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of sockets) socket.destroy();
});

it('ends the connections that have held part of a body for the longest time when all hold 64 MB', async () => {
  const { port } = await serve();
  const part = `${post}Content-Length: 65536\r\n\r\n${' '.repeat(64_000)}`;
  const first = open(port, part).resume();
  const isEnded = once(first, 'close');
  let answer = '';
  first.on('data', (piece) => {
    answer += piece;
  });
  await once(first, 'connect');
  const others: Socket[] = [];
  // One after the other, as more than the kernel keeps for the server would have to knock again, seconds later.
  for (let n = 0; n < (1.1 * maxHeldBytes) / 64_000; n += 1) {
    const other = open(port, part).resume();
    await once(other, 'connect');
    others.push(other);
  }
  await isEnded;
  // Not by the timeout of a request that does not come to its end.
  expect(answer).toBe('');
  expect(others.at(-1)?.closed).toBe(false);
  // Those that came last are served when the rest of their body comes.
  const last = open(port, part);
  await once(last, 'connect');
  last.write(`${' '.repeat(1_536 - operation.length)}${operation}`);
  expect(await once(last, 'data').then(String)).toMatch(/^HTTP\/1\.1 200 /);
});

it('ends the connections that have left answers unread for the longest time when all hold 64 MB', async () => {
  const body = 'x'.repeat(4 * 1024 * 1024);
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
  for (const isStream of [false, true]) {
    let answered = 0;
    const { port } = await serve(async () => {
      answered += 1;
      return { status: 200, headers: { ...headers }, body: isStream ? new Blob([body]).stream() : body };
    });
    const first = await leaveUnread(port, () => answered);
    expect(first.bytesRead).toBeLessThan(4 * body.length);
    const whole = await sendRaw(port, request.replace('\r\n', '\r\nConnection: close\r\n'));
    expect(whole).toContain(body);
  }
});

it('reads a body in chunks of any size, and refuses one of more than 64 KB', async () => {
  const { port } = await serve();
  const chunks = (text: string) => [...text].map((byte) => `1\r\n${byte}\r\n`).join('');
  const head = `${post}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const padded = (length: number) => operation + ' '.repeat(length - operation.length);
  expect(await sendRaw(port, `${head}${chunks(padded(65_536))}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await sendRaw(port, `${head}${chunks(padded(65_537))}`)).toMatch(/^HTTP\/1\.1 413 .*cache-control: no-store/s);
  expect(await sendRaw(port, `${head}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 .*must be a JSON object/s);
});

it('cancels a stream whose connection ends, while it is sent or before its turn', async () => {
  let cancelled = 0;
  let answered = 0;
  const { port } = await serve(async () => {
    answered += 1;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from('the first part')),
      cancel() {
        cancelled += 1;
      },
    });
    return { status: 200, headers: {}, body };
  });
  const socket = open(port, request.repeat(5));
  await once(socket, 'data');
  await expect.poll(() => answered).toBe(5);
  socket.destroy();
  await expect.poll(() => cancelled).toBe(5);
});

it('keeps nothing of an answer by events whose client has left', async () => {
  const { api, port } = await serve();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const body = JSON.stringify({ query: '{ __schema { types { name } } }' });
  const bytes = `${post}Accept: text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await sendRaw(port, bytes.replace('\r\n', '\r\nConnection: close\r\n'));
  expect(answer).toMatch(
    /content-type: text\/event-stream.*event: next\ndata: \{"data":.*event: complete\ndata:\n\n$/is,
  );
  const before = timers();
  for (let n = 0; n < 20; n += 1) {
    const socket = open(port, bytes.repeat(maxPipelined));
    await once(socket, 'data');
    socket.destroy();
  }
  // Those of sockets come and go.
  await expect.poll(timers).toBeLessThan(before + 20);
  expect(api.reported).toEqual([]);
});

it.each([
  ['Content-Length: 18', 'GET /next HTTP/1.1'],
  ['Transfer-Encoding: chunked', '12\r\nGET /next HTTP/1.1\r\n0\r\n\r\n'],
])('never takes the next request for a body that a path does not read: %s', async (framing, body) => {
  const { port } = await serve();
  const verify = (...headers: string[]) =>
    `POST /auth/verify HTTP/1.1\r\n${['Host: localhost', ...headers].join('\r\n')}\r\n\r\n`;
  // A proxy passes on the headers without the body, and so the server must not wait for the body on this connection.
  expect(await sendRaw(port, verify(framing))).toMatch(/^HTTP\/1\.1 401 .*\r\nConnection: close\r\n/is);
  const answers = await sendRaw(port, verify(framing) + body + verify('Connection: close'));
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 401']);
});

it('spares a connection that holds little, however long, when others hold 64 MB', async () => {
  const body = 'x'.repeat(4 * 1024 * 1024);
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
  let answered = 0;
  const { port } = await serve(async () => {
    answered += 1;
    return { status: 200, headers: { ...headers }, body };
  });
  const small = open(port, request.slice(0, -1));
  await once(small, 'connect');
  await leaveUnread(port, () => answered);
  small.write(request.slice(-1));
  const closed = once(small, 'close').then(() => 'closed without an answer');
  expect(await Promise.race([once(small, 'data').then(String), closed])).toMatch(/^HTTP\/1\.1 200 /);
});

/**
 * Leaves 68 answers unread on 17 connections: more than the kernel and the server take. Returns the first of them, after
 * the server closed it.
 */
async function leaveUnread(port: number, answered: () => number) {
  const first = open(port, request.repeat(4)).pause();
  await expect.poll(answered).toBe(4);
  for (let n = 0; n < 16; n += 1) open(port, request.repeat(4)).pause();
  await expect.poll(answered).toBe(68);
  first.resume();
  await once(first, 'close');
  return first;
}
