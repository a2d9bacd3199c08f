import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isBreached } from '../../src/passwords/breached.ts';

const password = 'correct horse battery staple';
const digest = createHash('sha1').update(password).digest('hex').toUpperCase();

/** A range service on this machine. */
async function rangeService(listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`);
}

let drops = 0;

/** Sends data ten times a second, as long as the client reads. */
function drip(_request: unknown, response: ServerResponse): void {
  const dripping = setInterval(() => {
    drops += 1;
    response.write('x\n');
  }, 100);
  response.once('close', () => clearInterval(dripping));
}

describe('range service', () => {
  const minuteMs = 60_000;
  const now = performance.now.bind(performance);
  let warnings: string[];
  let minutes = 0;

  beforeEach(() => {
    // Each test is in a minute of its own, since it is remembered when there was a warning.
    minutes += 1;
    const later = minutes * minuteMs;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + later);
    warnings = [];
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)));
    onTestFinished(() => void vi.restoreAllMocks());
  });

  it('receives five digits of the hash and a request for padding, and knows which are breached', async () => {
    const asked: unknown[] = [];
    const url = await rangeService((request, response) => {
      asked.push([request.method, request.url, request.headers['add-padding']]);
      response.end(`0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n${digest.slice(5)}:12\r\n`);
    });
    expect(await isBreached(password, url)).toBe(true);
    expect(await isBreached('another battery staple', url)).toBe(false);
    expect(asked[0]).toEqual(['GET', `/range/${digest.slice(0, 5)}`, 'true']);
    expect(warnings).toEqual([]);
  });

  it('pads with lines that mean nothing', async () => {
    const url = await rangeService((_request, response) => response.end(`${digest.slice(5)}:0\r\n`));
    expect(await isBreached(password, url)).toBe(false);
  });

  it.each<[string, RequestListener, RegExp]>([
    ['fails', (_request, response) => response.writeHead(503).end(`${digest.slice(5)}:1`), /it answered 503/],
    ['leads elsewhere', (_request, response) => response.writeHead(302, { location: '/' }).end(), /redirect/],
    ['hangs', () => {}, /timeout/],
    ['begins and hangs', (_request, response) => void response.write('x'), /timeout/],
    ['drips', drip, /timeout/],
    ['never ends', (_request, response) => response.end('x'.repeat(2_000_000)), /no end/],
    ['breaks off', (request) => request.socket.destroy(), /fetch failed/],
  ])('that %s is skipped after a second, with one warning a minute', async (_how, listener, reason) => {
    const url = await rangeService(listener);
    drops = 0;
    const answers = await Promise.all([isBreached(password, url), isBreached(password, url)]);
    expect(answers).toEqual([false, false]);
    // Ten for each of the two that ask, and one when it begins. On a busy machine, there are no more.
    expect(drops).toBeLessThanOrEqual(22);
    expect(warnings).toEqual([expect.stringMatching(reason)]);
    expect(warnings[0]).toMatch(/^PASSWORD_RANGE_URL names 127\.0\.0\.1/);
  });
});
