import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { listen } from '../../src/http/server.ts';
import { startApi } from '../support/api.ts';
import { framings, rawOperation, sendRaw } from '../support/raw.ts';

const production = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://accounts.example.com',
  ALLOWED_HOSTS: 'Accounts.Internal, [fd00::1],xn--bcher-kva.example',
};

/** Returns the first lines of the answers to an operation with this `Host`, from each adapter. */
async function serve(environment: Record<string, string>) {
  const { publicUrl, allowedHosts, allowsLoopbackHosts } = readConfig(environment);
  const api = await startApi({ publicUrl, allowedHosts, allowsLoopbackHosts });
  const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  const statuses = (host: string) =>
    Promise.all(
      framings.map(async (framing) => {
        const answer = await sendRaw(port, rawOperation(framing, '{ __typename }', [`Host: ${host}`]));
        return Number(answer.slice(9, 12));
      }),
    );
  return { port, statuses };
}

describe('Host header', () => {
  it.each([
    ['in production', production, 'accounts.example.com'],
    ['in production, with a port and in upper case', production, 'ACCOUNTS.example.com:8443'],
    ['in production, one that is allowed', production, 'accounts.internal:4000'],
    ['in production, an address that is allowed', production, '[FD00::1]:4000'],
    ['in production, an international name', production, 'xn--bcher-kva.example'],
    ['elsewhere', {}, 'localhost:4000'],
    ['elsewhere, by IPv4', {}, '127.0.0.1:4711'],
    ['elsewhere, by IPv6', {}, '[::1]:4000'],
    ['elsewhere, a name below localhost', {}, 'accounts.localhost'],
  ])('is one of this server %s: %o %s', async (_, environment, host) => {
    expect(await (await serve(environment)).statuses(host)).toEqual([200, 200]);
  });

  it.each([
    [production, ['localhost', '127.0.0.1', '[::1]', 'a.localhost', '10.0.0.7', 'evil.example', 'example.com']],
    [production, ['accounts.example.com.evil.example', 'x.accounts.example.com', 'accounts.example.com.', 'internal']],
    [
      {},
      ['evil.example', 'localhost.evil.example', 'evillocalhost', '.localhost.', '127.0.0.2', '0.0.0.0', '2130706433'],
    ],
    [{}, ['accounts.internal', '[::ffff:127.0.0.1]', '192.168.0.1:4000']],
  ])('is refused with 421 if it is another one: %o %o', async (environment, hosts) => {
    const { statuses } = await serve(environment);
    for (const host of hosts) expect(await statuses(host), host).toEqual([421, 421]);
  });

  it('is refused before the body is read', async () => {
    const { port } = await serve({});
    const head = 'POST /graphql HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n';
    for (const framing of ['Content-Length: 20', 'Content-Length: 60000', 'Transfer-Encoding: chunked']) {
      const answer = await sendRaw(port, `${head}${framing}\r\n\r\n`);
      expect(answer, framing).toMatch(/^HTTP\/1\.1 421 /);
      expect(answer).toContain('ALLOWED_HOSTS');
    }
  });

  it('is checked on every path except the probes of load balancers', async () => {
    const { port } = await serve(production);
    const get = (path: string, method = 'GET') =>
      sendRaw(
        port,
        `${method} ${path} HTTP/1.1\r\nHost: 10.0.0.7:4000\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
      );
    for (const path of ['/graphql', '/graphql?query={__typename}', '/', '/health/', '/graphql/graphiql.js']) {
      expect(await get(path), path).toMatch(/^HTTP\/1\.1 421 /);
    }
    expect(await get('/graphql', 'OPTIONS')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await get('/health')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get('/ready')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('may be missing in probes by HTTP/1.0 only, and occurs at most once', async () => {
    const { port } = await serve(production);
    const status = async (start: string, ...headers: string[]) =>
      (await sendRaw(port, [start, 'Connection: close', ...headers, '', ''].join('\r\n'))).split(' ')[1];
    for (const path of ['/health', '/ready']) {
      expect(await status(`GET ${path} HTTP/1.0`)).toBe('200');
      expect(await status(`OPTIONS ${path} HTTP/1.0`)).toBe('200');
      expect(await status(`GET ${path} HTTP/1.1`)).toBe('400');
      expect(await status(`GET ${path} HTTP/1.0`, 'Host: 10.0.0.7', 'Host: 10.0.0.7')).toBe('400');
    }
    for (const target of ['/graphql', '/', '*', 'http://10.0.0.7/health', '//health', '/health\\']) {
      expect(await status(`GET ${target} HTTP/1.0`), target).toBe('400');
    }
  });
});

describe('request target', () => {
  it('that is no path gets 400, also if it does not parse, and the server goes on', async () => {
    const { port } = await serve(production);
    const head = 'Host: accounts.example.com\r\nConnection: close\r\n';
    for (const target of ['*', '*^', '*:99999999', '*@', 'http://[/', 'a://:99999999/']) {
      const answer = await sendRaw(port, `GET ${target} HTTP/1.1\r\n${head}\r\n`);
      expect(answer, target).toMatch(/^HTTP\/1\.1 400 /);
      const expecting = await sendRaw(port, `GET ${target} HTTP/1.1\r\n${head}Expect: x\r\n\r\n`);
      expect(expecting, target).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    expect(await sendRaw(port, `GET /health HTTP/1.1\r\n${head}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
