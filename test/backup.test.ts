/** @module-tag slow/durability */
import { existsSync, watch } from 'node:fs';
import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../src/database/database.ts';
import { startApi } from './support/api.ts';
import { emptyDatabase, temporaryFolder } from './support/database.ts';
import { putUnderLoad, send, underLoad } from './support/load.ts';
import { runNode, startServer } from './support/process.ts';

const fileOf = (url: string) => url.replace('file:', '');

/** Runs a command on a database. */
function cli(file: string, ...args: string[]) {
  return runNode('src/cli.ts', args, { DATABASE_URL: `file:${file}` }).ended;
}

/** Runs a command that must succeed. */
async function run(file: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(file, ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** Returns what a program that knows nothing of this server reads in a healthy file. */
function read(file: string, sql: string): unknown[] {
  const connection = new BetterSqlite3(file, { fileMustExist: true });
  try {
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
    return connection.prepare(sql).pluck().all();
  } finally {
    connection.close();
  }
}

const handlesIn = (file: string) => new Set(read(file, 'SELECT "handle" FROM "Session"'));

/** Adds sessions to a file, one per handle. */
async function addSessions(file: string, handles: string[]): Promise<void> {
  const database = await openDatabase(`file:${file}`);
  const expiresAt = new Date(Date.now() + 86_400_000);
  await database.session.createMany({
    data: handles.map((handle) => ({ handle, expiresAt, hashedSessionToken: 't', publicData: 'x'.repeat(2_000) })),
  });
  await database.$disconnect();
}

/** Returns a database with one session, a backup of it, and a second session that is not in the backup. */
async function backedUp(): Promise<{ file: string; backup: string }> {
  const file = fileOf(await emptyDatabase());
  const backup = join(dirname(file), 'backup.db');
  await addSessions(file, ['old']);
  await run(file, 'backup', backup);
  await addSessions(file, ['new']);
  return { file, backup };
}

describe('backup', () => {
  it('is whole and private, contains everything that was acknowledged before, and disturbs no request', async () => {
    const file = fileOf(await emptyDatabase());
    const server = await startServer(`file:${file}`, underLoad);
    const load = putUnderLoad([server.address]);
    const probe = join(await temporaryFolder(), 'umask.mjs');
    await writeFile(probe, 'process.umask(0);');
    for (const name of ['one.db', 'two.db', 'three.db']) {
      await load.reach(20);
      const acknowledged = [...load.seen.started];
      const backup = join(dirname(file), name);
      const env = { DATABASE_URL: `file:${file}`, NODE_OPTIONS: `--import ${probe}` };
      const { code, stdout } = await runNode('src/cli.ts', ['backup', backup], env).ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^Wrote .*\.db: 0 users, \d+ live sessions, [\d.]+ MB, migrated to 2\d+_\w+\.\n.*safe.*\n$/,
      );
      expect((await stat(backup)).mode & 0o777).toBe(0o600);
      expect(existsSync(`${backup}-wal`)).toBe(false);
      const saved = handlesIn(backup);
      expect(acknowledged.filter((handle) => !saved.has(handle))).toEqual([]);
    }
    const { statuses } = await load.stop();
    expect([...statuses.keys()]).toEqual([200]);
    const copy = await startServer(`file:${join(dirname(file), 'three.db')}`);
    expect((await send(copy.address, '{ currentSession { id } }')).body.data).toEqual({ currentSession: null });
  });

  it('overwrites no file, and leaves no part behind', async () => {
    const { file, backup } = await backedUp();
    const before = await readFile(backup);
    for (const target of [backup, file]) {
      expect(await cli(file, 'backup', target)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/ exists already, and is not overwritten\.\n$/),
      });
    }
    expect(await readFile(backup)).toEqual(before);
    const refused = await cli(file, 'backup', join(dirname(file), 'no/such/folder.db'));
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot be written: ENOENT.*\.\n$/) });
    expect((await readdir(dirname(file))).sort()).toEqual(['backup.db', 'test.db']);
  });

  it('is refused for a database that is not healthy', async () => {
    const { file } = await backedUp();
    const connection = new BetterSqlite3(file);
    connection.pragma('foreign_keys = OFF');
    connection.exec(`UPDATE "Session" SET "userId" = 77`);
    connection.close();
    const bad = join(dirname(file), 'bad.db');
    expect(await cli(file, 'backup', bad)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is not a healthy database of this server: a row of Session refers to/),
    });
    expect(existsSync(bad)).toBe(false);
    expect(await cli(`${file}.missing`, 'backup', bad)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^DATABASE_URL is .*, but there is no database\.\n$/),
    });
  });
});

describe('restore', () => {
  it('revives no session that was revoked after the backup: all end, with a reason and an event', async () => {
    const api = await startApi();
    const file = fileOf(api.url);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const stolen = api.client();
    await stolen.login('ada@example.com', 'BEARER');
    const backup = `${file}.backup`;
    await run(file, 'backup', backup);
    await stolen.ask('mutation { logout { revokedSessionId } }');
    await api.database.$disconnect();

    const restored = join(dirname(file), 'restored.db');
    expect(await run(restored, 'restore', backup)).toMatch(
      /^Restored .*: 1 user, 0 live sessions, .*\nEnded 2 sessions\. Links and trusted devices deleted: 2\.\n$/,
    );
    const server = await startServer(`file:${restored}`);
    for (const { token } of [ada, stolen]) {
      expect((await send(server.address, '{ viewer { id } }', token ?? '')).body.data).toEqual({ viewer: null });
    }
    expect(read(restored, 'SELECT DISTINCT "endReason" FROM "Session"')).toEqual(['RESTORED']);
    expect(read(restored, `SELECT "type" FROM "AuditEvent" WHERE "detail" = 'RESTORED'`)).toEqual([
      'SESSION_REVOKED',
      'SESSION_REVOKED',
    ]);

    const kept = join(dirname(file), 'kept.db');
    expect(await run(kept, 'restore', backup, '--keep-sessions')).toMatch(/Kept the sessions of the backup, also/);
    const other = await startServer(`file:${kept}`);
    const { body } = await send(other.address, '{ viewer { email } }', stolen.token ?? '');
    expect(body.data.viewer).toEqual({ email: 'ada@example.com' });
  });

  it('removes the log that a crash left behind, and keeps the replaced database with it', async () => {
    const { file, backup } = await backedUp();
    const server = await startServer(`file:${file}`, underLoad);
    const load = putUnderLoad([server.address]);
    await load.reach(30);
    server.child.kill('SIGKILL');
    const { started } = await load.stop();
    await server.ended;
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0);
    const stdout = await run(file, 'restore', backup);
    expect((await readdir(dirname(file))).sort()).toEqual([
      'backup.db',
      'test.db',
      expect.stringMatching(/^test\.db\.replaced-\d{8}T\d{9}Z$/),
      'test.db.server-lock',
    ]);
    expect([...handlesIn(file)]).toEqual(['old']);
    const [, replaced = ''] = /The database from before is (.*)\.\n/.exec(stdout) ?? [];
    expect((await stat(replaced)).mode & 0o777).toBe(0o600);
    const kept = handlesIn(replaced);
    expect(['old', 'new', ...started].filter((handle) => !kept.has(handle))).toEqual([]);
  });

  it('is refused while a server or a command has the database open', async () => {
    const { file, backup } = await backedUp();
    const server = await startServer(`file:${file}`);
    const refusedByServer = await cli(file, 'restore', backup);
    expect(refusedByServer).toMatchObject({ code: 1, stderr: expect.stringMatching(/^Another server is running on/) });
    server.child.kill('SIGTERM');
    await server.ended;
    const other = await openDatabase(`file:${file}`);
    const refused = await cli(file, 'restore', backup);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/another program uses it.*locked\.\n$/) });
    expect(await other.session.count()).toBe(2);
    await other.$disconnect();
    expect((await readdir(dirname(file))).sort()).toEqual(['backup.db', 'test.db', 'test.db.server-lock']);
  });

  const unusable: [name: string, spoil: (backup: string) => Promise<unknown> | unknown, sentence: RegExp][] = [
    [
      'that is no database',
      (file) => writeFile(file, 'text '.repeat(2_000)),
      /not a healthy .*: file is not a database/,
    ],
    ['of another program', (file) => change(file, 'DROP TABLE "_prisma_migrations"'), /no such table: _prisma_mig/],
    ['of a newer version', (file) => change(file, addMigration), /newer version .* 29990101000000_later\. Use that/],
    ['that is damaged', spoil, /is not a healthy database of this server: /],
    ['that is missing', (file) => rm(file), /cannot be opened: /],
  ];
  const addMigration = `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "finished_at")
    VALUES ('x', 'x', '29990101000000_later', 1)`;

  function change(file: string, sql: string): void {
    const connection = new BetterSqlite3(file);
    connection.exec(sql);
    connection.close();
  }

  /** Overwrites the last pages of a file. */
  async function spoil(file: string): Promise<void> {
    const bytes = await readFile(file);
    bytes.fill(0xa5, bytes.length - 16_384);
    await writeFile(file, bytes);
  }

  it.each(unusable)('refuses a backup %s, and changes nothing', async (_name, act, sentence) => {
    const { file, backup } = await backedUp();
    await act(backup);
    const before = await readFile(file);
    expect(await cli(file, 'restore', backup)).toMatchObject({ code: 1, stderr: expect.stringMatching(sentence) });
    expect(await readFile(file)).toEqual(before);
    expect((await readdir(dirname(file))).filter((name) => /restoring|replaced/.test(name))).toEqual([]);
  });

  it('replaces a database that is too damaged to be opened, and keeps it as it is', async () => {
    const { file, backup } = await backedUp();
    await copyFile(backup, `${file}-wal`);
    await writeFile(file, 'no database '.repeat(1_000));
    await run(file, 'restore', backup);
    expect([...handlesIn(file)]).toEqual(['old']);
    const names = (await readdir(dirname(file))).filter((name) => name.includes('.replaced-'));
    const [kept = ''] = names;
    expect(await readFile(join(dirname(file), kept), 'utf8')).toBe('no database '.repeat(1_000));
  });

  it('that is killed at any moment leaves the old database or the new one, whole, and can be repeated', async () => {
    const { file, backup } = await backedUp();
    /** Restores, and kills the process once the folder has changed for a number of times. Returns all changes. */
    const restoreUntil = async (change: number): Promise<number> => {
      const restore = runNode('src/cli.ts', ['restore', backup], { DATABASE_URL: `file:${file}` });
      let changes = 0;
      const watcher = watch(dirname(file), () => {
        changes += 1;
        if (changes === change) restore.child.kill('SIGKILL');
      });
      await restore.ended;
      watcher.close();
      return changes;
    };
    const all = await restoreUntil(Number.POSITIVE_INFINITY);
    const outcomes = new Set<number>();
    const trials = inject('isShort') ? 4 : 12;
    for (let trial = 1; trial <= trials; trial += 1) {
      await addSessions(file, ['new']);
      await restoreUntil(Math.ceil((all * trial) / trials));
      const { size } = handlesIn(file);
      expect([1, 2]).toContain(size);
      outcomes.add(size);
      await run(file, 'restore', backup, '--keep-sessions');
      expect([...handlesIn(file)]).toEqual(['old']);
      const names = await readdir(dirname(file));
      expect(names.filter((name) => name.includes('restoring'))).toEqual([]);
      for (const name of names.filter((one) => one.includes('.replaced-'))) await rm(join(dirname(file), name));
    }
    console.info(`killed ${trials} times: ${outcomes.size} of the two outcomes seen`);
  });
});
