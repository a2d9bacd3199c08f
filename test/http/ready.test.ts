import { spawnSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { openDatabase } from '../../src/database/database.ts';
import { createApp } from '../../src/http/front-door.ts';
import { Client, startApi, type TestApi } from '../support/api.ts';
import { emptyDatabase, isPostgresql, openFile } from '../support/database.ts';
import { startIdsAfter } from '../support/ids.ts';
import { onServer, urlOf } from '../support/postgresql-server.ts';
import { runNode } from '../support/process.ts';

type Served = Pick<TestApi, 'app' | 'config' | 'database' | 'reported' | 'url'>;

/** Returns the answers to the three probes. */
async function probe({ app, config }: Pick<Served, 'app' | 'config'>) {
  const ask = async (target: string) => {
    const answer = await app.fetch(new Request(`${config.publicUrl.origin}${target}`));
    return `${answer.status} ${(await answer.text()).trim()}`;
  };
  const [health, ready, write] = await Promise.all(['/health', '/ready', '/ready?write'].map(ask));
  return { health, ready, write };
}

const onPostgresql = isPostgresql(inject('templateDatabase'));

const allWell = { health: '200 ok', ready: '200 ready', write: '200 ready' };

const readsOnly = (reason: string) => ({ ...allWell, write: `503 not ready: ${reason}` });

const nothing = (reason: string) => ({ ...readsOnly(reason), ready: `503 not ready: ${reason}` });

/** Serves a database by a server of its own, as after a restart. */
async function serve(url: string): Promise<Served> {
  const { config } = await startApi();
  const database = await openDatabase(url, { poolSize: 2 });
  onTestFinished(() => database.$disconnect());
  const reported: unknown[] = [];
  const app = createApp({ database, config, report: (error) => reported.push(error) });
  return { app, config, database, reported, url };
}

function messagesOf({ reported }: Pick<Served, 'reported'>): string[] {
  return reported.map((error) => (error as Error).message);
}

/** Begins an anonymous session, which is a write. Returns the status and the code of the answer. */
async function write({ app, config }: Pick<Served, 'app' | 'config'>) {
  const { status, code } = await new Client(app, config.publicUrl).send(
    'mutation { startSession(transport: BEARER) { token } }',
  );
  return { status, code };
}

const unavailable = { status: 503, code: 'SERVICE_UNAVAILABLE' };

/** Holds a lock of another program until the returned function is called. */
async function lock(url: string, statement: string): Promise<() => Promise<unknown>> {
  if (!isPostgresql(url)) {
    const file = openFile(url);
    file.exec('BEGIN IMMEDIATE');
    return async () => file.exec('ROLLBACK');
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`BEGIN; ${statement}`);
  return () => client.end();
}

describe('/ready and /ready?write', () => {
  it('write one row at most once a second for all callers, and keep nothing else', async () => {
    const api = await startApi();
    const probes = vi.spyOn(api.database.$probe, 'write');
    const began = performance.now();
    expect(await probe(api)).toEqual(allWell);
    const answers = await Promise.all(Array.from({ length: 50 }, () => probe(api)));
    for (const answer of answers) expect(answer).toEqual(allWell);
    for (let count = 0; count < 20; count += 1) expect(await probe(api)).toEqual(allWell);
    expect(probes.mock.calls.length).toBeLessThanOrEqual(1 + (performance.now() - began) / 1_000);
    const { write: written } = await probe({ ...api, app: createApp({ ...api, report: () => {} }) });
    expect(written).toBe('200 ready');
    expect(await api.database.clockReading.findMany({ select: { name: true } })).toEqual([{ name: 'write-probe' }]);
    expect(api.reported).toEqual([]);
  });

  it('tell a lock on writes, and reads go on', async () => {
    const api = await startApi();
    const release = await lock(api.url, 'LOCK TABLE "Session" IN EXCLUSIVE MODE');
    expect(await probe(api)).toEqual(readsOnly('the database is locked'));
    await release();
    await expect.poll(() => probe(api)).toEqual(allWell);
    expect(messagesOf(api)).toEqual(['Not ready for writes: the database is locked.', 'Ready for writes.']);
  });

  it.runIf(onPostgresql)('tell a lock on reads', async () => {
    const api = await startApi();
    const release = await lock(api.url, 'LOCK TABLE "Session" IN ACCESS EXCLUSIVE MODE');
    expect(await probe(api)).toEqual(nothing('the database is locked'));
    await release();
    await expect.poll(() => probe(api)).toEqual(allWell);
  });

  it('tell dropped tables, and requests get 503', async () => {
    const api = await startApi();
    await api.database.$executeRawUnsafe('DROP TABLE "Session"');
    expect(await probe(api)).toEqual(nothing('a table of the database is missing'));
    expect(await write(api)).toEqual(unavailable);
    const other = await startApi();
    await other.database.$executeRawUnsafe('DROP TABLE "AuditEvent"');
    expect(await probe(other)).toEqual(readsOnly('a table of the database is missing'));
    expect(messagesOf(api)).toEqual([
      'Not ready: a table of the database is missing.',
      'Not ready for writes: a table of the database is missing.',
    ]);
  });

  it('tell ids that are nearly used up, before they are', async () => {
    const api = await startApi();
    await startIdsAfter(api, 2n ** 63n - 5_000n);
    expect(await probe(api)).toEqual(readsOnly('ids are nearly used up'));
    expect((await write(api)).status).toBe(200);
  });

  it('tell a read-only database', async () => {
    const { url, database } = await startApi();
    if (!isPostgresql(url)) {
      await database.$queryRawUnsafe('PRAGMA query_only = ON');
      const api = { ...(await serve(url)), database };
      const app = createApp({ ...api, report: () => {} });
      expect(await probe({ ...api, app })).toEqual(readsOnly('the database is read-only'));
      expect(await write({ ...api, app })).toEqual(unavailable);
      return;
    }
    const name = new URL(url).pathname.slice(1);
    const admin = urlOf(url, 'postgres');
    await onServer(admin, `ALTER DATABASE "${name}" SET default_transaction_read_only = on`);
    const api = await serve(url);
    expect(await probe(api)).toEqual(readsOnly('the database is read-only'));
    expect(await write(api)).toEqual(unavailable);
    await onServer(admin, `ALTER DATABASE "${name}" RESET default_transaction_read_only`);
    // Connections that can only read are closed.
    await expect.poll(() => write(api)).toEqual({ status: 200, code: undefined });
    await expect.poll(() => probe(api)).toEqual(allWell);
  });

  it.runIf(!onPostgresql)('tell a full disk after the first request that meets it', async () => {
    const api = await startApi();
    const [pages] = await api.database.$queryRawUnsafe<{ page_count: bigint }[]>('PRAGMA page_count');
    await api.database.$queryRawUnsafe(`PRAGMA max_page_count = ${pages?.page_count}`);
    let last = await write(api);
    for (let count = 0; last.status === 200 && count < 200; count += 1) last = await write(api);
    expect(last).toEqual(unavailable);
    expect(await probe(api)).toEqual(readsOnly('the disk of the database is full'));
  });

  it.runIf(!onPostgresql)('tell a damaged file, and requests get 503', async () => {
    const url = await emptyDatabase();
    const sql = `SELECT "rootpage" FROM "sqlite_schema" WHERE "tbl_name" = 'Session' AND "rootpage" > 0`;
    const pages = openFile(url).prepare<[], number>(sql).pluck().all();
    const file = await open(url.replace('file:', ''), 'r+');
    for (const page of pages) await file.write(Buffer.alloc(4_096, 0xaa), 0, 4_096, (page - 1) * 4_096);
    await file.close();
    const api = await serve(url);
    expect(await probe(api)).toEqual(nothing('the database is damaged'));
    expect(await write(api)).toEqual(unavailable);
    expect(messagesOf(api)).toHaveLength(2);
  });
});

/** Runs a command with a folder mounted read-only. */
const withReadOnly = (folder: string) => [
  ...['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'],
  'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
  folder,
];

const [unshare = '', ...unshareArgs] = withReadOnly('/tmp');
const hasNamespaces = spawnSync(unshare, [...unshareArgs, 'true']).status === 0;

describe('a file system that is mounted read-only', () => {
  it.runIf(!onPostgresql && hasNamespaces)(
    'is refused at the start in a sentence',
    { tags: ['slow/process'] },
    async () => {
      const url = await emptyDatabase();
      const wrapper = withReadOnly(dirname(url.replace('file:', '')));
      for (const args of [['src/main.ts'], ['src/cli.ts', 'migrate'], ['src/cli.ts', 'revoke', '--all']]) {
        const [file = '', ...rest] = args;
        const { code, stdout, stderr } = await runNode(file, rest, { DATABASE_URL: url, PORT: '0' }, { wrapper }).ended;
        expect({ code, stdout, stderr }).toEqual({
          code: 1,
          stdout: '',
          stderr: expect.stringMatching(/^DATABASE_URL names .*\.db.*EROFS: read-only file system.*\.\n$/),
        });
      }
    },
  );
});
