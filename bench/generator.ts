/**
 * Sends requests over kept-alive connections, and compares every answer with the right one for its request. It is a
 * process of its own, so that it can have its own processor, and is controlled by messages.
 *
 * Available load generators either do not look at the answers, or need as much time for one as the fastest server here.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** A request in its wire form, and its answer: the whole body, or a part that the body or the headers must contain. */
export type Exchange =
  | { request: string; body: string }
  | { request: string; includes: string }
  | { request: string; header: string };

export type Load = {
  port: number;
  connections: number;
  seconds: number;
  /** A file with the exchanges as JSON. */
  file: string;
  /** The index of the first exchange, and whether to start again after the last one. */
  from: number;
  isRepeatable: boolean;
  /** The pause of each connection between an answer and its next request, in milliseconds. */
  pauseMs?: number;
  /** The maximum number of requests. */
  maxRequests?: number;
};

export type Result = {
  requests: number;
  seconds: number;
  /** The number of wrong answers, and one of them. */
  wrong: number;
  example: string | null;
  /** Milliseconds. */
  p50: number;
  p99: number;
  max: number;
};

process.on('message', (load: Load) => {
  run(load).then(
    (result) => process.send?.(result),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});

type Prepared = { request: Buffer; body?: string; includes?: string; header?: string };

let loaded: { file: string; exchanges: Prepared[] } | undefined;

/** Compares bytes, one character each, so that nothing has to be decoded. */
function exchangesOf(file: string): Prepared[] {
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  if (loaded?.file !== file) {
    const exchanges: Exchange[] = JSON.parse(readFileSync(file, 'utf8'));
    loaded = {
      file,
      exchanges: exchanges.map(({ request, ...right }) => ({
        request: Buffer.from(request),
        ...Object.fromEntries(Object.entries(right).map(([name, text]) => [name, bytes(text)])),
      })),
    };
  }
  return loaded.exchanges;
}

async function run({
  port,
  connections,
  seconds,
  file,
  from,
  isRepeatable,
  maxRequests,
  pauseMs,
}: Load): Promise<Result> {
  const exchanges = exchangesOf(file);
  const latencies: number[] = [];
  let next = from;
  let wrong = 0;
  let example: string | null = null;
  const began = performance.now();
  const deadline = began + seconds * 1_000;

  function take(): Prepared | undefined {
    if (performance.now() >= deadline) return undefined;
    if (next >= exchanges.length && !isRepeatable) return undefined;
    if (maxRequests !== undefined && next - from >= maxRequests) return undefined;
    return exchanges[next++ % exchanges.length];
  }

  function converse(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1').setNoDelay();
      let exchange: Prepared | undefined;
      let sentAt = 0;
      let received = '';
      const send = () => {
        exchange = take();
        if (!exchange) return end(socket, resolve);
        sentAt = performance.now();
        socket.write(exchange.request);
      };
      socket.once('connect', send);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('The server closed a connection.')));
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        const body = bodyOf(received);
        if (body === null) return;
        latencies.push(performance.now() - sentAt);
        if (!isRight(received, body, exchange)) {
          wrong += 1;
          example ??= received;
        }
        received = '';
        if (pauseMs === undefined) send();
        else setTimeout(send, pauseMs);
      });
    });
  }

  await Promise.all(Array.from({ length: connections }, converse));
  const took = (performance.now() - began) / 1_000;
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { requests: sorted.length, seconds: took, wrong, example, p50: at(0.5), p99: at(0.99), max: at(1) };
}

function end(socket: Socket, resolve: () => void): void {
  socket.removeAllListeners('close');
  socket.end();
  resolve();
}

/** Returns the body of an answer, or null while it is incomplete. */
function bodyOf(received: string): string | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const body = received.slice(headEnd + 4);
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(received) ?? [];
  if (length !== undefined) return body.length >= Number(length) ? body : null;
  return body.endsWith('0\r\n\r\n') ? unchunked(body) : null;
}

function unchunked(body: string): string {
  let text = '';
  for (let rest = body; ; ) {
    const lineEnd = rest.indexOf('\r\n');
    const length = Number.parseInt(rest.slice(0, lineEnd), 16);
    if (!(length > 0)) return text;
    text += rest.slice(lineEnd + 2, lineEnd + 2 + length);
    rest = rest.slice(lineEnd + 4 + length);
  }
}

function isRight(answer: string, body: string, right: Prepared | undefined): boolean {
  if (!answer.startsWith('HTTP/1.1 200 ') || right === undefined) return false;
  if (right.body !== undefined) return body === right.body;
  return right.header === undefined ? body.includes(right.includes ?? '') : answer.includes(right.header);
}
