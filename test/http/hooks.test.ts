import { expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { createApp } from '../../src/http/front-door.ts';
import { listen } from '../../src/http/server.ts';
import { openEmptyDatabase } from '../support/database.ts';
import { sendRaw } from '../support/raw.ts';

const host = 'Host: localhost\r\nConnection: close';
const json = 'Content-Type: application/json';

function post(body: string, headers: string): string {
  return `POST /graphql HTTP/1.1\r\n${host}\r\n${headers}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function get(target: string, headers = host): string {
  return `GET ${target} HTTP/1.1\r\n${headers}\r\n\r\n`;
}

/** Counts the calls of hooks: of the observer with the statuses of the answers, and of two of Yoga. */
async function serve() {
  const { database } = await openEmptyDatabase();
  const calls = { began: 0, statuses: [] as number[], params: 0, executions: 0 };
  const app = createApp({
    database,
    config: readConfig({}),
    report: (error) => expect.unreachable(String(error)),
    observe: ({ headers }) => {
      calls.began += 1;
      expect(headers.get('user-agent')).toBeNull();
      return ({ status, headers: answered }) => {
        calls.statuses.push(status);
        answered['x-request-id'] = 'the id of the request';
      };
    },
    plugins: [
      {
        onParams({ request }) {
          calls.params += 1;
          expect(request.headers.get('host')).toMatch(/^localhost/);
        },
        onExecute() {
          calls.executions += 1;
        },
      },
    ],
  });
  const { port, stop } = await listen(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  return { app, port, calls };
}

const hello = '{"query":"{ __typename }"}';

it.each([
  ['a query', post(hello, json), 200, [1, 1]],
  ['a query by GET', get('/graphql?query=%7B__typename%7D'), 200, [1, 1]],
  ['a query answered by events', post(hello, `${json}\r\nAccept: text/event-stream`), 200, [1, 1]],
  ['a mutation', post('{"query":"mutation { logout { revokedSessionId } }"}', json), 200, [1, 1]],
  ['a document that is not valid', post('{"query":"{ nothing }"}', json), 200, [1, 0]],
  ['a mutation by GET', get('/graphql?query=mutation%7Blogout%7BrevokedSessionId%7D%7D'), 405, [1, 0]],
  ['a body that is no object', post('[]', json), 400, [0, 0]],
  ['a body of another type', post(hello, 'Content-Type: text/plain'), 415, [0, 0]],
  ['a body that is too large', post(' '.repeat(70_000), json), 413, [0, 0]],
  ['an answer of another type', post(hello, `${json}\r\nAccept: image/png`), 406, [0, 0]],
  ['a page of another site', post(hello, `${json}\r\nOrigin: https://evil.example`), 403, [0, 0]],
  ['another method', 'DELETE /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 405, [0, 0]],
  ['another path', get('/nothing'), 404, [0, 0]],
  ['another host', get('/graphql', 'Host: evil.example\r\nConnection: close'), 421, [0, 0]],
  ['two hosts', get('/graphql', `Host: localhost\r\n${host}`), 400, [0, 0]],
  ['an expectation', get('/graphql', `${host}\r\nExpect: miracles`), 417, [0, 0]],
  ['a probe', get('/health'), 200, [0, 0]],
  ['GraphiQL', get('/graphql', `${host}\r\nAccept: text/html`), 200, [0, 0]],
  ['a file of GraphiQL', get('/graphql/favicon.ico'), 200, [0, 0]],
] as const)('hooks run once for %s', async (_name, bytes, status, [params, executions]) => {
  const { port, calls } = await serve();
  const answer = await sendRaw(port, bytes);
  expect(answer).toContain(`HTTP/1.1 ${status} `);
  expect(answer).toContain('x-request-id: the id of the request');
  expect(calls).toEqual({ began: 1, statuses: [status], params, executions });
});

it('hooks answer an operation with the error that a plugin throws before it begins', async () => {
  const { database } = await openEmptyDatabase();
  const reported: unknown[] = [];
  const app = createApp({
    database,
    config: readConfig({}),
    report: (error) => reported.push(error),
    plugins: [
      {
        onParams() {
          throw new Error('a secret of the plugin');
        },
      },
    ],
  });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: hello };
  const response = await app.fetch(new Request('http://localhost:4000/graphql', init));
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    errors: [{ message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    extensions: { requestId: response.headers.get('x-request-id') },
  });
  expect(reported).toHaveLength(1);
});

it.each([
  ['an answer', get('/health'), 200],
  ['a refusal', get('/graphql', `Host: localhost\r\n${host}`), 400],
])('an observer that throws changes nothing: %s', async (_name, bytes, status) => {
  const { database } = await openEmptyDatabase();
  for (const observe of [
    () => {
      throw new Error('at the beginning');
    },
    () => () => {
      throw new Error('at the end');
    },
  ]) {
    const reported: unknown[] = [];
    const app = createApp({ database, config: readConfig({}), report: (error) => reported.push(error), observe });
    const { port, stop } = await listen(app, { host: '127.0.0.1', port: 0 });
    expect(await sendRaw(port, bytes)).toContain(`HTTP/1.1 ${status} `);
    expect(reported).toHaveLength(1);
    await stop();
  }
});
