import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { createApp } from '../../src/http/front-door.ts';
import { listen } from '../../src/http/server.ts';
import { startApi } from '../support/api.ts';
import { rawOperation, sendRaw } from '../support/raw.ts';

const origin = 'https://app.example.com';
const host = 'Host: localhost';
const json = 'Content-Type: application/json';

type Kind = [status: number, name: string, request: (...headers: string[]) => string];

const request = (line: string, body: string, headers: string[]) =>
  `${line} HTTP/1.1\r\nConnection: close\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
const get =
  (target: string, ...own: string[]) =>
  (...headers: string[]) =>
    request(`GET ${target}`, '', [host, ...own, ...headers]);
const post =
  (body: string, ...own: string[]) =>
  (...headers: string[]) =>
    request('POST /graphql', body, [host, json, ...own, ...headers]);
const operation =
  (query: string, ...own: string[]) =>
  (...headers: string[]) =>
    rawOperation('Content-Length', query, [host, ...own, ...headers]);

const start = 'mutation { startSession(transport: BEARER) { token } }';
const failing = `Cookie: session=${'0'.repeat(32)}.${'s'.repeat(43)}`;

/** Requests of every kind of answer. The limit of one anonymous session makes the second `start` a 429. */
const kinds: Kind[] = [
  [200, 'an operation', operation('{ __typename }')],
  [200, 'a start of a session', operation(start)],
  [429, 'one too many', operation(start)],
  [503, 'an operation without a database', operation('{ viewer { id } }', failing)],
  [200, 'a probe', get('/health')],
  [204, 'a preflight', (...headers) => request('OPTIONS /graphql', '', [host, ...headers])],
  [400, 'a body that is no JSON', post('{', 'Content-Length: 1')],
  [401, 'a missing session', get('/auth/verify')],
  [404, 'another path', get('/nowhere')],
  [405, 'another method', (...headers) => request('PUT /graphql', '', [host, ...headers])],
  [413, 'a long body', post('{', 'Content-Length: 99999')],
  [415, 'another type', (...headers) => request('POST /graphql', '{}', [host, 'Content-Length: 2', ...headers])],
  [417, 'another expectation', post('{}', 'Content-Length: 2', 'Expect: a-miracle')],
  [421, 'another host', (...headers) => request('GET /graphql', '', ['Host: evil.example', ...headers])],
  // Node itself fails at these bodies.
  [400, 'an invalid chunk', post('x\r\n', 'Transfer-Encoding: chunked')],
  [413, 'long chunk extensions', post(`1;${'x'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`, 'Transfer-Encoding: chunked')],
];

/** Returns a function that sends bytes to a new server, and returns the status and the CORS headers of the answer. */
async function serve() {
  const api = await startApi();
  const config = {
    ...api.config,
    allowedOrigins: new Set([origin]),
    allowedHeaders: readConfig({ ALLOWED_HEADERS: 'traceparent, Apollographql-Client-Name' }).allowedHeaders,
    attempts: { ...api.config.attempts, anonymousSessionsPerAddress: 1 },
  };
  const $findSession = async () => {
    throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
  };
  const database = api.database.$extends({ client: { $findSession } }) as unknown as typeof api.database;
  const app = createApp({ database, config, report: (error) => api.reported.push(error) });
  const { port, stop } = await listen(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  return async (bytes: string) => {
    const [head = ''] = (await sendRaw(port, bytes)).split('\r\n\r\n');
    const lines = head.split('\r\n').slice(1);
    const headers = lines.map((line) => line.split(': ') as [string, string]);
    const cors = headers.filter(([name]) => /^access-control-(allow-(origin|credentials)|expose)/i.test(name));
    return { status: Number(head.slice(9, 12)), cors: Object.fromEntries(cors), all: Object.fromEntries(headers) };
  };
}

describe('a page of an allowed origin', () => {
  it('may read the id of the request and the time for the retry, in answers of every kind', async () => {
    const send = await serve();
    for (const [status, name, bytes] of kinds) {
      const answer = await send(bytes(`Origin: ${origin}`));
      expect([answer.status, answer.cors], name).toEqual([
        status,
        {
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          'access-control-expose-headers': 'retry-after, x-request-id',
        },
      ]);
      expect(answer.all['x-request-id'], name).toMatch(/^[0-9a-f]{32}$/);
      expect('retry-after' in answer.all, name).toBe(status === 429 || status === 503);
    }
  });

  it('may send the headers of this server, and those that the operator adds', async () => {
    const send = await serve();
    const { all } = await send(request('OPTIONS /graphql', '', [host, `Origin: ${origin}`]));
    expect(all['access-control-allow-headers']).toBe(
      'content-type, authorization, anti-csrf, x-device-token, traceparent, apollographql-client-name',
    );
  });
});

describe('a page of another origin', () => {
  it('may read no answer of any kind', async () => {
    const send = await serve();
    for (const other of ['https://evil.example', 'null', `${origin}.evil.example`, `${origin}, ${origin}`]) {
      for (const [, name, bytes] of kinds) {
        expect((await send(bytes(`Origin: ${other}`))).cors, `${name} ${other}`).toEqual({});
      }
    }
  });
});

describe('ALLOWED_HEADERS', () => {
  const read = (value: string) => readConfig({ ALLOWED_HEADERS: value }).allowedHeaders;

  it('are names of headers in any case, each once', () => {
    expect(read('')).toEqual([]);
    expect(read(' TraceParent,, tracestate,traceparent,x-request-id ')).toEqual([
      'traceparent',
      'tracestate',
      'x-request-id',
    ]);
  });

  it.each([
    ['*', /must name each header/],
    ['traceparent, *', /^ALLOWED_HEADERS is "\*"/],
    ['a b', /must be names of headers/],
    ['x-ü', /must be names of headers/],
    ['x:y', /must be names of headers/],
    ['x\r\nset-cookie', /must be names of headers/],
    ['x'.repeat(65), /must be names of headers/],
    ['Cookie', /only the browser may set/],
    ['Host', /only the browser may set/],
    ['origin', /only the browser may set/],
    ['Sec-Fetch-Site', /only the browser may set/],
    ['Proxy-Authorization', /only the browser may set/],
    ['X-Service-Key', /service secret/],
    ['X-HTTP-Method-Override', /replaces the method/],
    ['X-Forwarded-For', /with which proxies tell/],
    ['forwarded', /with which proxies tell/],
    ['X-Real-IP', /with which proxies tell/],
    ['X-Original-URL', /with which proxies tell/],
    ['X-Auth-User', /with which proxies tell/],
  ])('are refused if a page must not send them: %s', (value, reason) => {
    expect(() => read(value)).toThrow(reason);
    expect(() => read(value)).toThrow(/^ALLOWED_HEADERS is "/);
  });
});
