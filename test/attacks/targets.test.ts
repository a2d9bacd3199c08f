import { describe, expect, it } from 'vitest';
import type { App } from '../../src/http/front-door.ts';
import type { Incoming } from '../../src/http/messages.ts';
import { startApi } from '../support/api.ts';
import { cpuOf } from '../support/cpu.ts';

const length = 15_000;

/** The paths that are answered before the host is checked, and others that read the target. */
const paths = ['/ready', '/health', '/graphql', '/auth/verify', '/oauth/introspect', '/.well-known/jwks.json', '/'];

/** Texts that repeat what parsers of targets look for. */
const texts = ['?', '?&', '&', '?write', '&write', '#', '/', '%', '%25', '=', ';', '..', '//', '?#', '&=', ' '];

function request(app: App, target: string): Promise<unknown> {
  const headers = new Map([['host', 'accounts.example.com']]);
  const incoming: Incoming = {
    method: 'GET',
    target,
    headers: { get: (name) => headers.get(name) ?? null },
    peer: '203.0.113.1',
    body: () => '',
  };
  return app.handle(incoming);
}

describe('long target', () => {
  it('takes no more time than a harmless one of the same length, for every path', async () => {
    const { app } = await startApi();
    for (const path of paths) {
      const harmless = await cpuOf(() => request(app, `${path}?${'a'.repeat(length)}`));
      for (const text of texts) {
        const target = path + text.repeat(Math.ceil(length / text.length)).slice(0, length);
        const ms = await cpuOf(() => request(app, target));
        // A quadratic expression takes hundreds of milliseconds, and everything else up to one.
        expect(ms < harmless + 20 ? '' : `${path}${text}… takes ${ms} ms, and a harmless one ${harmless} ms`).toBe('');
      }
    }
  });
});
