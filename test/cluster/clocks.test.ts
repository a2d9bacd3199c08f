/** @module-tag slow/cluster */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { send } from '../support/load.ts';
import { startPostgresql } from '../support/postgresql-server.ts';
import { runNode } from '../support/process.ts';

const start = 'mutation { startSession(transport: BEARER) { token session { createdAt expiresAt } } }';
const read = '{ currentSession { state } }';
const lifetimeMs = 6_000;

/**
 * Returns the environment of a process whose clock is wrong: for the whole process where `faketime` is installed, and for
 * its JavaScript elsewhere. The program `faketime` sets the same variables, but its child would outlive it.
 */
function shiftedBy(hours: number): Record<string, string> {
  if (existsSync('/usr/bin/faketime')) {
    return { LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1', FAKETIME: `${hours < 0 ? '' : '+'}${hours}h` };
  }
  const preload = new URL('../support/shifted-clock.ts', import.meta.url).href;
  return { CLOCK_SHIFT_MS: String(hours * 3_600_000), NODE_OPTIONS: `--import ${preload}` };
}

describe('servers with different clocks', () => {
  it('agree on the end of a session, by the clock of the database', async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const nodes: string[] = [];
    for (const hours of [0, 2, -1]) {
      const env = { DATABASE_URL: server.url, PORT: '0', SESSION_LIFETIME: `${lifetimeMs / 1000}s` };
      const node = runNode('src/main.ts', [], { ...env, ...shiftedBy(hours) });
      const [, address = ''] = await node.until(/^GraphQL +(http\S+)$/m);
      nodes.push(address.replace('localhost', '127.0.0.1'));
    }
    for (const node of nodes) {
      const before = Date.now();
      const { body } = await send(node, start);
      const { token, session } = body.data.startSession;
      expect(Date.parse(session.createdAt)).toBeGreaterThan(before - 500);
      expect(Date.parse(session.createdAt)).toBeLessThan(Date.now() + 500);
      const endsAt = Date.parse(session.expiresAt);
      expect(endsAt - Date.parse(session.createdAt)).toBe(lifetimeMs);
      const live = () =>
        Promise.all(nodes.map(async (one) => (await send(one, read, token)).body.data.currentSession !== null));
      await sleep(endsAt - Date.now() - 3_000);
      expect(await live()).toEqual([true, true, true]);
      await sleep(endsAt - Date.now() + 300);
      expect(await live()).toEqual([false, false, false]);
    }
  });
});
