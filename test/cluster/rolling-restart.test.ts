/** @module-tag slow/cluster */
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../scripts/proxy.ts';
import { putUnderLoad, underLoad } from '../support/load.ts';
import { freePort, onServer, startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';

describe('rolling restart of three nodes', () => {
  it('loses no request and no session', async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const ports = [await freePort(), await freePort(), await freePort()];
    const start = (port: number) => startServer(server.url, { ...underLoad, PORT: String(port), DRAIN_TIME: '1s' });
    const nodes = [];
    for (const port of ports) nodes.push(await start(port));
    const proxy = await startProxy(ports.map((port) => `http://127.0.0.1:${port}`));
    onTestFinished(() => proxy.stop());

    const load = putUnderLoad([`${proxy.url}/graphql`]);
    await load.reach(50);
    for (const [index, port] of ports.entries()) {
      nodes[index]?.child.kill('SIGTERM');
      expect((await nodes[index]?.ended)?.code).toBe(0);
      await start(port);
      await load.reach(50);
    }
    const seen = await load.stop();
    const rows = await onServer(server.url, 'SELECT "handle" FROM "Session"');
    const kept = new Set(rows.map((row) => row.handle));
    const lost = [...seen.started].filter((handle) => !kept.has(handle)).length;
    console.log(
      `rolling restart: ${seen.started.size} starts and ${seen.ended.size} ends acknowledged, ${lost} lost, ` +
        `statuses ${JSON.stringify(Object.fromEntries(seen.statuses))}`,
    );
    expect(lost).toBe(0);
    expect([...seen.statuses.keys()]).toEqual([200]);
    expect(seen.wronglySignedOut).toBe(0);
  });
});
