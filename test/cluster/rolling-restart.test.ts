/** @module-tag slow/cluster */
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../scripts/proxy.ts';
import { putUnderLoad, send, underLoad } from '../support/load.ts';
import { freePort } from '../support/ports.ts';
import { onServer, startPostgresql } from '../support/postgresql-server.ts';
import { runNode, startServer } from '../support/process.ts';

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

describe('upgrade of a node', () => {
  it('keeps the old node serving while a migration waits for a long transaction, and says which', async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const old = await startServer(server.url, { SIGN_UPS_PER_ADDRESS: '100000' });
    const migration = '20261122234500_email_case';
    await onServer(
      server.url,
      `DROP INDEX "User_email_lower_idx"; DELETE FROM _prisma_migrations WHERE migration_name = '${migration}'`,
    );
    const long = new pg.Client({ connectionString: server.url, application_name: 'nightly' });
    await long.connect();
    onTestFinished(() => long.end().catch(() => {}));
    await long.query(`BEGIN; UPDATE "User" SET "name" = 'secret' WHERE "email" = 'nobody@example.com'`);

    const next = runNode('src/main.ts', [], { DATABASE_URL: server.url, PORT: '0' });
    const statuses = new Set<number>();
    for (let n = 0; !next.printed().includes('tries again in'); n += 1) {
      const account = `email: "user${n}@example.com", password: "correct horse battery staple", transport: BEARER`;
      const { status, body } = await send(old.address, `mutation { signUp(${account}) { __typename } }`);
      statuses.add(status);
      expect(body?.data?.signUp?.__typename).toBe('SignInPayload');
    }
    expect([...statuses]).toEqual([200]);
    const line = new RegExp(
      `The migration ${migration} needs a lock that the process \\d+ of PostgreSQL \\(nightly, .*`,
    );
    expect(next.printed()).toMatch(line);
    expect(next.printed()).not.toContain('secret');
    const stopped = runNode('src/main.ts', [], { DATABASE_URL: server.url, PORT: '0' });
    await stopped.until(/tries again in/);
    stopped.child.kill('SIGTERM');
    expect((await stopped.ended).code).toBe(0);
    await long.query('COMMIT');
    await next.until(/^GraphQL +http/m);
    expect(next.printed()).toMatch(/^Migrated +20261122234500_email_case$/m);
  });
});
