import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { listen } from '../../src/http/server.ts';
import { startApi } from '../support/api.ts';
import { sendRaw } from '../support/raw.ts';

const host = 'Host: localhost\r\nConnection: close';
const newId = /^[0-9a-f]{32}$/;

function operation(query: string, headers = ''): string {
  const body = JSON.stringify({ query });
  const type = 'Content-Type: application/json';
  return `POST /graphql HTTP/1.1\r\n${host}\r\n${headers}${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function get(target: string, headers = host): string {
  return `GET ${target} HTTP/1.1\r\n${headers}\r\n\r\n`;
}

async function serve(trustedProxies = '') {
  const { app } = await startApi({ trustedProxies: readConfig({ TRUSTED_PROXIES: trustedProxies }).trustedProxies });
  const { port, stop } = await listen(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  return async (bytes: string) => {
    const answer = await sendRaw(port, bytes);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    return { id: /^x-request-id: (.*)$/im.exec(head)?.[1]?.trim(), body };
  };
}

describe('request id', () => {
  it.each([
    ['an operation', operation('{ __typename }')],
    ['a refused operation', operation('{ nothing }')],
    ['a probe', get('/health')],
    ['GraphiQL', get('/graphql', `${host}\r\nAccept: text/html`)],
    ['a public document', get('/.well-known/oauth-authorization-server')],
    ['a missing session', get('/auth/verify')],
    ['another path', get('/nothing')],
    ['another host', get('/graphql', 'Host: evil.example\r\nConnection: close')],
    ['no host', get('/graphql', 'Connection: close')],
    ['bytes that are no HTTP', 'NONSENSE\r\n\r\n'],
  ])('is new for each request, and in the answer to %s', async (_name, bytes) => {
    const ask = await serve();
    const ids = [(await ask(bytes)).id, (await ask(bytes)).id];
    expect(ids).toEqual([expect.stringMatching(newId), expect.stringMatching(newId)]);
    expect(new Set(ids).size).toBe(2);
  });

  it('is in the extensions of a failed answer of GraphQL, and of no other', async () => {
    const ask = await serve();
    for (const bytes of [operation('{ nothing }'), operation('{ users { totalCount } }'), get('/nothing')]) {
      const { id, body } = await ask(bytes);
      expect(JSON.parse(body).extensions).toEqual({ requestId: id });
    }
    expect(JSON.parse((await ask(operation('{ __typename }'))).body)).toEqual({ data: { __typename: 'Query' } });
  });

  const sent = (id: string) => operation('{ __typename }', `X-Request-Id: ${id}\r\n`);

  it('is that of a trusted proxy', async () => {
    const ask = await serve('127.0.0.0/8');
    expect((await ask(sent('7b0c.A_b-9'))).id).toBe('7b0c.A_b-9');
  });

  it('is never that of a client without a trusted proxy', async () => {
    const ask = await serve('10.0.0.0/8');
    expect((await ask(sent('7b0c'))).id).toMatch(newId);
  });

  it.each([' ', '"', 'a b', 'a"b', '{"level":"error"}', 'ü', 'x'.repeat(65)])(
    'is never an unsafe text: %s',
    async (text) => {
      const ask = await serve('127.0.0.0/8');
      expect((await ask(sent(text))).id).toMatch(newId);
    },
  );
});
