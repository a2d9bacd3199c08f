import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { framings, rawOperation, sendRaw } from '../support/raw.ts';

const hsts = 'strict-transport-security: max-age=31536000; includeSubDomains';

function expectHeaders(answer: string, name: string): void {
  const head = answer.slice(0, answer.indexOf('\r\n\r\n')).toLowerCase();
  for (const line of [
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'referrer-policy: no-referrer',
    "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    hsts.toLowerCase(),
  ]) {
    // Once, and as a line of its own.
    expect(
      head.split('\r\n').filter((one) => one === line),
      `${name}\n${head}`,
    ).toHaveLength(1);
  }
  expect(head, name).toMatch(/\r\ndate: /);
}

async function serve(api: TestApi): Promise<number> {
  const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  return port;
}

const host = 'Host: localhost';
const get = (target: string, ...headers: string[]) =>
  `GET ${target} HTTP/1.1\r\n${['Connection: close', ...headers].join('\r\n')}\r\n\r\n`;
const post = (body: string, ...headers: string[]) =>
  `POST /graphql HTTP/1.1\r\n${['Connection: close', host, ...headers].join('\r\n')}\r\n\r\n${body}`;
const json = 'Content-Type: application/json';
const chunked = [json, 'Transfer-Encoding: chunked'];

describe('headers of every answer', () => {
  it.each([
    ['200', '/health', get('/health', host)],
    ['200', '/ready', get('/ready', host)],
    ['200', 'a GET', get('/graphql?query={__typename}', host)],
    ['200', 'an answer to a body with a length', rawOperation('Content-Length', '{ __typename }', [host])],
    ['200', 'an answer to a body in chunks', rawOperation('chunks', '{ __typename }', [host])],
    ['204', 'a preflight', `OPTIONS /graphql HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`],
    ['400', 'nonsense', 'NONSENSE\r\n\r\n'],
    ['400', 'no Host', get('/graphql')],
    ['400', 'a Host that makes no URL', get('/graphql', 'Host: [')],
    ['400', 'two Hosts', get('/graphql', host, host)],
    ['400', 'two Hosts of different case', get('/health', host, 'hOsT: evil.example')],
    ['400', 'a body that is nonsense', post('{', json, 'Content-Length: 1')],
    ['400', 'two lengths', post('{', json, 'Content-Length: 1', 'Content-Length: 2')],
    ['400', 'an invalid chunk', post('x\r\n', ...chunked)],
    [
      '403',
      'a foreign site by the fast path',
      rawOperation('Content-Length', '{ a }', [host, 'Origin: https://evil.example']),
    ],
    ['403', 'a foreign site, in chunks', rawOperation('chunks', '{ a }', [host, 'Origin: https://evil.example'])],
    ['404', 'nowhere', get('/nowhere', host)],
    ['405', 'another method', `PUT /graphql HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`],
    ['413', 'a long body', post('{', json, 'Content-Length: 99999')],
    ['413', 'long chunk extensions', post(`1;${'x'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`, ...chunked)],
    ['415', 'another type', post('{}', 'Content-Length: 2')],
    ['417', 'another expectation', post('{}', json, 'Content-Length: 2', 'Expect: a-miracle')],
    ['431', 'long headers', get('/graphql', host, `X: ${'x'.repeat(20_000)}`)],
  ])('are on %s, of %s', async (status, name, bytes) => {
    const port = await serve(await startApi({ publicUrl: new URL('https://accounts.example.com') }));
    const answer = await sendRaw(port, bytes);
    expect(answer.slice(0, 13), name).toBe(`HTTP/1.1 ${status} `);
    expectHeaders(answer, name);
  });

  it('are on 408, of an incomplete request', { tags: ['slow/timing'] }, async () => {
    const port = await serve(await startApi({ publicUrl: new URL('https://accounts.example.com') }));
    const answer = await sendRaw(port, 'GET /health HTTP/1.1\r\nHo');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expectHeaders(answer, '408');
  });

  it('are on 500, of a bug', async () => {
    const api = await startApi({ publicUrl: new URL('https://accounts.example.com') });
    const port = await serve(api);
    await api.database.$executeRawUnsafe('ALTER TABLE "Session" RENAME COLUMN "publicData" TO "gone"');
    const cookie = `Cookie: __Host-session=${'0'.repeat(32)}.${'s'.repeat(43)}`;
    for (const framing of framings) {
      const answer = await sendRaw(port, rawOperation(framing, '{ viewer { id } }', [host, cookie]));
      expect(answer).toMatch(/^HTTP\/1\.1 500 /);
      expectHeaders(answer, framing);
    }
  });

  it('are on 400, of an aborted body, which is not reported', async () => {
    const api = await startApi();
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    const answer = await api.app.fetch(new Request(new URL('/graphql', api.config.publicUrl), request));
    expect(answer.status).toBe(400);
    for (const [name, value] of Object.entries(api.app.headers)) expect(answer.headers.get(name), name).toBe(value);
    expect(api.reported).toEqual([]);
  });

  it('have no Strict-Transport-Security on a server over http', async () => {
    const port = await serve(await startApi());
    for (const bytes of [
      get('/health', host),
      get('/graphql'),
      rawOperation('Content-Length', '{ __typename }', [host]),
    ]) {
      expect(await sendRaw(port, bytes)).not.toMatch(/strict-transport-security/i);
    }
  });
});

describe('connection error', () => {
  it('does not write into an answer in progress, and ends the connection', async () => {
    const { app } = await startApi();
    let isCancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('the first part')),
      cancel() {
        isCancelled = true;
      },
    });
    const { port, stop } = await listen(
      { ...app, handle: async () => ({ status: 200, headers: {}, body }) },
      { host: '127.0.0.1', port: 0 },
    );
    onTestFinished(stop);
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    socket.write(`GET /graphql HTTP/1.1\r\n${host}\r\n\r\n`);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
      if (chunk.includes('the first part')) socket.write('NONSENSE\r\n\r\n');
    });
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*the first part\r\n$/s);
    await expect.poll(() => isCancelled).toBe(true);
  });
});
