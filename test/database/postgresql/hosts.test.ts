import { createServer, type Server } from 'node:net';
import type pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { migrateDatabase, openDatabase } from '../../../src/database/database.ts';
import { clientClass } from '../../../src/database/postgresql/client.ts';
import { targets } from '../../../src/database/postgresql/target.ts';
import { hostUrls, redactUrl } from '../../../src/database/url.ts';
import { emptyDatabase } from '../../support/database.ts';
import { onServer, urlOf } from '../../support/postgresql-server.ts';

/** Nothing listens there. */
const nowhere = '127.0.0.1:1';

/** A host that accepts connections and never answers. */
async function silentHost(): Promise<string> {
  const server: Server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** Returns the URL with further hosts before its own. */
function withHosts(hosts: string[], url: string): string {
  return url.replace('@', `@${hosts.join()},`);
}

/** Makes new connections to a database read-only, until the returned function is called. */
async function makeReadOnly(url: string): Promise<() => Promise<unknown>> {
  const [admin, name] = [urlOf(url, 'postgres'), new URL(url).pathname.slice(1)];
  const end = () => onServer(admin, `ALTER DATABASE "${name}" RESET default_transaction_read_only`);
  onTestFinished(async () => void (await end()));
  await onServer(admin, `ALTER DATABASE "${name}" SET default_transaction_read_only = on`);
  return end;
}

async function portOf(client: pg.Client): Promise<number> {
  await client.connect();
  await client.end();
  return client.port;
}

describe('a URL of PostgreSQL with several hosts', () => {
  it('is split into one URL for each host', () => {
    expect(hostUrls('postgresql://app:p%40%2C%23w@db1,[::1]:5433,10.0.0.1:1/app?sslmode=verify-full')).toEqual([
      'postgresql://app:p%40%2C%23w@db1/app?sslmode=verify-full',
      'postgresql://app:p%40%2C%23w@[::1]:5433/app?sslmode=verify-full',
      'postgresql://app:p%40%2C%23w@10.0.0.1:1/app?sslmode=verify-full',
    ]);
    for (const one of [
      'postgresql://a:b,c@db1/app',
      'postgresql://[::1]:5433/app',
      'file:a,b.db',
      'postgresql://a,b',
    ]) {
      expect(hostUrls(one)[0]).toBe(one === 'postgresql://a,b' ? 'postgresql://a' : one);
    }
    expect(redactUrl('postgresql://app:secret@db1:5432,db2:5433/app?password=x')).toBe(
      'postgresql://***@db1:5432,db2:5433/app',
    );
  });

  it.each([
    ['DATABASE_URL', 'db1,/app', /^DATABASE_URL is "postgresql:…", but it must be /],
    ['DATABASE_URL', 'db1,db2:port/app', /^DATABASE_URL is "postgresql:…", but it must be /],
    ['DATABASE_URL', 'db1/app?host=db1,db2', /^DATABASE_URL has several hosts in a parameter\. Write them before /],
    ['DATABASE_URL', 'db1,db2/app?host=db3', /^DATABASE_URL has several hosts in a parameter/],
    ['DATABASE_REPLICA_URL', 'db1/app?port=1,2', /^DATABASE_REPLICA_URL has several hosts in a parameter/],
    ['DATABASE_URL', 'db1/app?target_session_attrs=standby', /target_session_attrs .* these: read-write, primary\.$/],
    ['DATABASE_URL', 'db1/app?target_session_attrs=any', /target_session_attrs .* these: read-write, primary\.$/],
    ['DATABASE_REPLICA_URL', 'db1/app?target_session_attrs=master', /these: any, read-write, .*, prefer-standby\.$/],
  ])('in %s is rejected in a sentence: %s', (name, rest, sentence) => {
    const read = () => readConfig({ DATABASE_URL: 'file:x.db', [name]: `postgresql://app:pa55@${rest}` });
    expect(read).toThrow(sentence);
    expect(read).not.toThrow(/pa55/);
  });

  it('is migrated and used on the first host that can be reached, also if one does not answer', async () => {
    const url = await emptyDatabase();
    // Two that do not answer take longer than a connection may, one after the other.
    const several = withHosts([await silentHost(), nowhere, await silentHost()], url);
    expect(readConfig({ DATABASE_URL: several }).databaseUrl).toBe(several);
    expect(await migrateDatabase(several)).toEqual([]);
    const database = await openDatabase(several, { poolSize: 3 });
    onTestFinished(() => database.$disconnect());
    const counts = await Promise.all([database.user.count(), database.session.count(), database.mail.count()]);
    expect(counts).toEqual([0, 0, 0]);
    await database.$transaction(async (db) => {
      await db.lease.create({ data: { name: 'a', holder: 'b', expiresAt: new Date() } });
    });
    expect(await onServer(url, 'SELECT "name" FROM "Lease"')).toEqual([{ name: 'a' }]);
  });

  it('leads to the first one with target_session_attrs', async () => {
    const url = await emptyDatabase();
    const port = Number(new URL(url).port);
    const found = (target: (typeof targets)[number]) =>
      portOf(new (clientClass(withHosts([nowhere], url), target))()).catch((error: Error) => error.message);
    expect(await Promise.all(targets.map(found))).toEqual([
      port,
      port,
      `no host can be used: connect ECONNREFUSED ${nowhere}; 127.0.0.1:${port} is not read-only`,
      port,
      `no host can be used: connect ECONNREFUSED ${nowhere}; 127.0.0.1:${port} is not a standby`,
      port,
    ]);
    await makeReadOnly(url);
    expect(await Promise.all(targets.map(found))).toEqual([
      port,
      expect.stringMatching(/is read-only \(default_transaction_read_only\)$/),
      port,
      port,
      expect.stringMatching(/is not a standby$/),
      port,
    ]);
  });

  it('is not kept on a connection that can only read', async () => {
    const url = await emptyDatabase();
    const end = await makeReadOnly(url);
    const database = await openDatabase(url, { poolSize: 1 });
    onTestFinished(() => database.$disconnect());
    const write = () => database.$transaction((db) => db.rateLimit.create({ data: { key: 'a', points: 1 } }));
    await expect(write()).rejects.toThrow(/read-only transaction/);
    await end();
    expect(await write()).toMatchObject({ points: 1 });
  });

  it('fails in one sentence without the password if no host can be used', async () => {
    const url = 'postgresql://app:pa55w0rd@127.0.0.1:1,localhost:1/app';
    const failure = await migrateDatabase(url).catch((error: Error) => error.message);
    expect(failure).toMatch(
      /^DATABASE_URL is "postgresql:\/\/\*\*\*@127\.0\.0\.1:1,localhost:1\/app", which cannot be used: no host can be used: .*ECONNREFUSED.*\.$/,
    );
    expect(failure).not.toMatch(/pa55w0rd|app:/);
  });
});
