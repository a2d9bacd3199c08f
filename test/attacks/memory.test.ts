import { describe, expect, it } from 'vitest';
import { emptyDatabase } from '../support/database.ts';
import { distinctDocuments, floodDocuments } from '../support/document-flood.ts';
import { startServer } from '../support/process.ts';

/** A server that keeps what it need not keep goes over this within a few hundred documents. */
const heap = { NODE_OPTIONS: '--max-old-space-size=64' };

describe('the memory of a server', () => {
  it('is not filled by documents of which no two are the same', async () => {
    const server = await startServer(await emptyDatabase(), heap);
    const port = Number(new URL(server.address).port);
    const requests = 300;
    for (const kind of Object.keys(distinctDocuments)) {
      const statuses = await floodDocuments(port, { kinds: [kind], requests });
      expect([kind, ...statuses]).toEqual([kind, [200, requests * 1.1]]);
    }
    expect(server.child.exitCode).toBeNull();
  }, 120_000);
});
