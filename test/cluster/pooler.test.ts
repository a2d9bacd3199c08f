/** @module-tag slow/cluster */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrationFolders, readMigrations } from '../../src/database/migrations.ts';
import { migratePostgresql } from '../../src/database/postgresql/migrate.ts';
import { temporaryFolder } from '../support/database.ts';
import { putUnderLoad, send, underLoad } from '../support/load.ts';
import { freePort } from '../support/ports.ts';
import { onServer, startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';

const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find(existsSync);

/** PgBouncer in transaction mode, set up as in docs/production.md, with few connections to share. */
async function startPooler(url: string, settings = ''): Promise<string> {
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
${settings}
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

  it.skipIf(!pgbouncer)('lets migrations take their time, and give the timeouts of the role back', async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const history = await readMigrations(migrationFolders.postgresql);
    await migratePostgresql(server.url, history);
    await onServer(
      server.url,
      `INSERT INTO "User" ("updatedAt", "email", "role", "name")
         SELECT now(), i || '@example.com', 'user', repeat('x', 1900) FROM generate_series(1, 5000) i;
       CREATE FUNCTION "slowly"(email TEXT) RETURNS TEXT IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
         IF email = '7@example.com' THEN PERFORM pg_sleep(1); END IF; RETURN email; END $$;
       ALTER ROLE postgres SET statement_timeout = '700ms';
       ALTER ROLE postgres SET idle_in_transaction_session_timeout = '700ms'`,
    );
    // Consecutive transactions of a client then get different connections.
    const pooled = await startPooler(server.url, 'server_round_robin = 1');
    const slow = { name: '29990101000000_slow', sql: 'SELECT pg_sleep(1)' };
    const index = { name: '29990101000001_index', sql: 'CREATE INDEX "User_slow_idx" ON "User"("slowly"("email"))' };
    const runs = [1, 2, 3].map(() => migratePostgresql(pooled, [...history, slow, index]));
    expect((await Promise.all(runs)).flat().sort()).toEqual([slow.name, index.name]);
    expect(await onServer(server.url, `SELECT "indisvalid" FROM pg_index WHERE "indisvalid" = false`)).toEqual([]);
    // All connections of the pool at once.
    const timeouts = [1, 2, 3, 4].map(() =>
      onServer(pooled, `SELECT current_setting('statement_timeout') AS "now", pg_sleep(0.3)`),
    );
    expect((await Promise.all(timeouts)).map(([row]) => row?.now)).toEqual(['700ms', '700ms', '700ms', '700ms']);
    const left = await onServer(server.url, `SELECT "pid" FROM pg_locks WHERE "locktype" = 'advisory'`);
    expect(left).toEqual([]);
  });
});
