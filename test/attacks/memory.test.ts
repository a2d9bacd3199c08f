/** @module-tag slow/process */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { maxPipelined } from '../../src/http/connections.ts';
import { emptyDatabase } from '../support/database.ts';
import { distinctDocuments, floodDocuments } from '../support/document-flood.ts';
import { startServer } from '../support/process.ts';
import { askWithoutReading, holdingRequests, holdOpen, peakMB, statusOf } from '../support/unread.ts';

/** The limit, which a server with a leak exceeds within a few hundred documents. */
const heap = { NODE_OPTIONS: '--max-old-space-size=96' };

/**
 * Expects a server to answer in the end. On a busy machine it may be so late that it closes the connection first, as one
 * whose headers did not arrive in time.
 */
async function expectAnswer(url: URL): Promise<void> {
  await expect.poll(() => statusOf(url).catch(({ code }) => code)).toBe(200);
}

describe('memory of a server', () => {
  it('is not filled by documents that are all different', async () => {
    const server = await startServer(await emptyDatabase(), heap);
    const port = Number(new URL(server.address).port);
    const requests = 300;
    for (const kind of Object.keys(distinctDocuments)) {
      const statuses = await floodDocuments(port, { kinds: [kind], requests });
      expect([kind, ...statuses]).toEqual([kind, [200, requests * 1.1]]);
    }
    expect(server.child.exitCode).toBeNull();
  });

  it.each(['/graphql', '/graphql/graphiql.js'])(
    'is not filled by clients that ask for %s and do not read',
    async (path) => {
      const server = await startServer(await emptyDatabase());
      const address = new URL(server.address);
      await (await fetch(new URL('/graphql/graphiql.js', address))).arrayBuffer();
      const pid = server.child.pid ?? 0;
      const before = peakMB(pid);
      // Twenty times sixteen copies of the script are 2 GB.
      const endAll = askWithoutReading(Number(address.port), path, 20, maxPipelined);
      onTestFinished(endAll);
      for (let time = 0; time < 20; time += 1) {
        await sleep(100);
        await expectAnswer(new URL('/health', address));
      }
      expect(peakMB(pid) - before).toBeLessThan(100);
    },
  );

  it.each(Object.entries(holdingRequests))('is not filled by connections that each send %s', async (_what, bytes) => {
    const server = await startServer(await emptyDatabase(), heap);
    const port = Number(new URL(server.address).port);
    const endAll = holdOpen(port, bytes, 60);
    onTestFinished(endAll);
    for (let time = 0; time < 20; time += 1) {
      await sleep(100);
      await expectAnswer(new URL('/health', server.address));
    }
    expect(server.child.exitCode).toBeNull();
  });
});
