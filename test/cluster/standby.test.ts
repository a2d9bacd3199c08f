/** @module-tag slow/cluster */
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrateDatabase } from '../../src/database/database.ts';
import { send, underLoad } from '../support/load.ts';
import { onServer, startPostgresql } from '../support/postgresql-server.ts';
import { runNode, startServer } from '../support/process.ts';

async function start() {
  const server = await startPostgresql();
  onTestFinished(() => server.stop());
  return server;
}

const startSession = 'mutation { startSession(transport: BEARER) { token session { handle } } }';

/** Returns the answer to a probe: the status and the text. */
async function probe(address: string, path: string): Promise<string> {
  const answer = await fetch(new URL(path, address));
  return `${answer.status} ${(await answer.text()).trim()}`;
}

describe('a standby of PostgreSQL', () => {
  it('is used by no server and no command, and refused with 503 until it is promoted', async () => {
    const server = await start();
    const node = await startServer(server.url, underLoad);
    const status = async () => (await send(node.address, startSession)).status;
    const token = (await send(node.address, startSession)).body?.data.startSession.token;
    await server.becomeStandby();
    const env = { DATABASE_URL: server.url, PORT: '0' };
    const commands = [['src/main.ts'], ['src/cli.ts', 'migrate'], ['src/cli.ts', 'revoke', '--all']];
    for (const [file = '', ...args] of commands) {
      expect(await runNode(file, args, env).ended).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^DATABASE_URL is .* which cannot be used: 127\.0\.0\.1:\d+ is a standby\.\n$/),
      });
    }
    expect(await status()).toBe(503);
    // A read is refused too: a standby may not know yet that a session has ended.
    expect((await send(node.address, '{ currentSession { handle } }', token)).status).toBe(503);
    expect(node.printed()).toMatch(/The database is a standby\. DATABASE_URL has to lead to the primary/);
    expect(await probe(node.address, '/ready')).toBe('503 not ready: the database is a standby');
    expect(await probe(node.address, '/ready?write')).toBe('503 not ready: the database is a standby');
    expect(node.printed()).toMatch(/Not ready for writes: the database is a standby\./);
    await onServer(server.url, 'SELECT pg_promote()');
    await expect.poll(status).toBe(200);
    await expect.poll(() => probe(node.address, '/ready?write')).toBe('200 ready');
  });

  it('is left for the primary by a server that knows several hosts', async () => {
    const [one, two] = [await start(), await start()];
    for (const { url } of [one, two]) await migrateDatabase(url);
    await one.becomeStandby();
    const several = one.url.replace(/(127.0.0.1:\d+)/, `$1,${new URL(two.url).host}`);
    const node = await startServer(`${several}?target_session_attrs=read-write`, underLoad);
    const status = async () => (await send(node.address, startSession)).status;
    expect(await status()).toBe(200);
    expect(node.printed()).toMatch(/^Database {2}postgresql:\/\/\*\*\*@127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\/postgres$/m);
    // The other way round: a failover.
    await two.becomeStandby();
    await onServer(one.url, 'SELECT pg_promote()');
    await expect.poll(status).toBe(200);
    expect((await onServer(one.url, 'SELECT count(*)::int AS "count" FROM "Session"'))[0]?.count).toBeGreaterThan(0);
  });
});
