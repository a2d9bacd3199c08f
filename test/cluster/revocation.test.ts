/** @module-tag slow/cluster */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { send, underLoad } from '../support/load.ts';
import { startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';

const start = 'mutation { startSession(transport: BEARER) { token } }';
const logout = 'mutation { logout { revokedSessionId } }';
const read = '{ currentSession { id } }';

describe('session with an end that one of three nodes acknowledged', () => {
  it('is accepted by none of them from that moment on, in thousands of requests', async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const nodes: string[] = [];
    for (let node = 0; node < 3; node += 1) nodes.push((await startServer(server.url, underLoad)).address);
    const at = (index: number) => nodes[index % nodes.length] ?? '';

    const counts = { sessions: 0, before: 0, after: 0, acceptedAfter: 0 };
    for (let round = 0; counts.sessions < 200 || counts.before < 2_000 || counts.after < 2_000; round += 1) {
      const { body } = await send(at(round), start);
      const { token } = body.data.startSession;
      let acknowledgedAt = Number.POSITIVE_INFINITY;
      let isOver = false;
      const readers = Array.from({ length: 6 }, async (_, reader) => {
        for (let turn = reader; !isOver; turn += 1) {
          const startedAt = performance.now();
          const answer = await send(at(turn), read, token);
          expect(answer.status).toBe(200);
          const isAccepted = answer.body.data.currentSession !== null;
          if (startedAt > acknowledgedAt) {
            counts.after += 1;
            if (isAccepted) counts.acceptedAfter += 1;
          } else if (isAccepted) counts.before += 1;
        }
      });
      await sleep(20);
      const ended = await send(at(round + 1), logout, token);
      acknowledgedAt = performance.now();
      expect(ended.body.data.logout.revokedSessionId).not.toBeNull();
      await sleep(40);
      isOver = true;
      await Promise.all(readers);
      counts.sessions += 1;
    }
    console.log(`three nodes: ${JSON.stringify(counts)}`);
    expect(counts.acceptedAfter).toBe(0);
  });
});
