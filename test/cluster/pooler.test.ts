/** @module-tag slow/cluster */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/database.ts';
import { putUnderLoad, send, underLoad } from '../support/load.ts';
import { freePort, onServer, startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';

const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find(existsSync);

/** PgBouncer in transaction mode, set up as in docs/production.md, with few connections to share. */
async function startPooler(url: string): Promise<string> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const { hostname, port: serverPort } = new URL(url);
  const file = join(folder, 'pgbouncer.ini');
  await chmod(folder, 0o755);
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${serverPort} user=postgres password=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
ignore_startup_parameters = extra_float_digits, statement_timeout, lock_timeout, idle_in_transaction_session_timeout
`,
  );
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(pgbouncer ?? '', [...asUser, file], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const pooled = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  for (let tries = 0; tries < 50; tries += 1) {
    if (await onServer(pooled, 'SELECT 1').then(Boolean, () => false)) return pooled;
    await sleep(100);
  }
  throw new Error('PgBouncer did not start.');
}

describe('PgBouncer in transaction mode', () => {
  it.skipIf(!pgbouncer)('works between the servers and PostgreSQL, without changes', async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const pooled = await startPooler(server.url);
    const nodes = [await startServer(pooled, underLoad), await startServer(pooled, underLoad)];
    expect(nodes[0]?.printed()).toMatch(/^Migrated/m);
    expect(nodes[0]?.printed()).toMatch(/^Database {2}postgresql:/m);
    const addresses = nodes.map(({ address }) => address);

    const load = putUnderLoad(addresses);
    const password = 'correct horse battery staple';
    const [one = '', two = ''] = addresses;
    const account = `(email: "ada@example.com", password: "${password}", transport: BEARER)`;
    const { body } = await send(one, `mutation { signUp${account} { ... on SignInPayload { token } } }`);
    const { token } = body.data.signUp;
    const logins = Array.from({ length: 30 }, (_, n) =>
      send(n % 2 ? one : two, `mutation { login${account} { ... on SignInPayload { token } } }`),
    );
    for (const { status } of await Promise.all(logins)) expect(status).toBe(200);
    const change = `mutation { changePassword(currentPassword: "${password}", newPassword: "another battery staple") { __typename } }`;
    expect((await send(two, change, token)).body.data?.changePassword?.__typename ?? 'over').toMatch(
      /ChangePasswordPayload|over/,
    );
    await load.reach(200);
    const seen = await load.stop();
    const rows = await onServer(server.url, 'SELECT "handle", "hashedSessionToken" IS NULL AS "over" FROM "Session"');
    const over = new Map(rows.map((row) => [row.handle, row.over]));
    expect([...seen.started].filter((handle) => !over.has(handle))).toEqual([]);
    expect([...seen.ended].filter((handle) => !over.get(handle))).toEqual([]);
    expect([...seen.statuses.keys()]).toEqual([200]);
    const [live] = await onServer(
      server.url,
      'SELECT count(*)::int AS n FROM "Session" WHERE "userId" IS NOT NULL AND "hashedSessionToken" IS NOT NULL',
    );
    expect(live?.n).toBeLessThanOrEqual(20);
  });
});
