/** @module-tag slow/durability */
import { existsSync } from 'node:fs';
import { copyFile, link, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../src/database/database.ts';
import { createServer } from '../src/server/create-server.ts';
import { emptyDatabase, temporaryFolder } from './support/database.ts';
import { putUnderLoad, send, underLoad } from './support/load.ts';
import { runNode, startServer } from './support/process.ts';

/** Returns the file of an SQLite URL. */
const fileOf = (url: string) => url.replace('file:', '');

const start = 'mutation { startSession(transport: BEARER) { token session { handle } } }';

/** Returns the handles of the sessions in a healthy file, by a program that knows nothing of this server. */
function handlesIn(file: string): { all: Set<string>; ended: Set<string> } {
  const connection = new BetterSqlite3(file);
  expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
  const read = (where: string) =>
    new Set(connection.prepare<[], string>(`SELECT "handle" FROM "Session" WHERE ${where}`).pluck().all());
  const handles = { all: read('true'), ended: read('"hashedSessionToken" IS NULL') };
  connection.close();
  return handles;
}

async function savedCopies(file: string): Promise<string[]> {
  const folder = dirname(file);
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => name.includes('.saved-')).map((name) => join(folder, name));
}

/** Ways to take the file of a database from under a server. */
const ways: [name: string, act: (file: string) => Promise<unknown>][] = [
  ['removed', (file) => rm(file)],
  ['removed with its log', (file) => Promise.all([file, `${file}-wal`, `${file}-shm`].map((one) => rm(one)))],
  ['renamed', (file) => rename(file, `${file}.old`)],
  ['replaced by a backup', (file) => rename(`${file}.backup`, file)],
];

describe('a database file that is taken from under a running server', () => {
  it.each(ways)(
    'is noticed when it was %s: no later write is acknowledged, all earlier ones are saved',
    async (_name, take) => {
      const file = fileOf(await emptyDatabase());
      await copyFile(file, `${file}.backup`);
      const server = await startServer(`file:${file}`, underLoad);
      const load = putUnderLoad([server.address]);
      await load.reach(30);
      await take(file);
      const { code, stderr } = await server.ended;
      const { started, ended, statuses } = await load.stop();
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^\S+ error The database file .*test\.db was removed or replaced .* as .*\.saved-\S+, and stops: .*\n$/,
      );
      // 0 is a connection after the end of the process.
      for (const status of statuses.keys()) expect([200, 503, 0]).toContain(status);
      const [copy = '', ...others] = await savedCopies(file);
      expect(others).toEqual([]);
      expect((await stat(copy)).mode & 0o077).toBe(0);
      const saved = handlesIn(copy);
      expect([...started].filter((handle) => !saved.all.has(handle))).toEqual([]);
      expect([...ended].filter((handle) => !saved.ended.has(handle))).toEqual([]);
      if (existsSync(`${file}.old`)) expect(handlesIn(`${file}.old`)).toEqual(saved);
      // What lies there now is a healthy database, also beside the log that the server left behind.
      const next = await startServer(`file:${file}`, underLoad);
      expect((await send(next.address, start)).body.data.startSession.token).toMatch(/\./);
      expect(handlesIn(file).all.size).toBe(1);
    },
  );

  it('loses nothing with its log: the log is moved into the file before the server stops', async () => {
    const file = fileOf(await emptyDatabase());
    const server = await startServer(`file:${file}`, underLoad);
    const load = putUnderLoad([server.address]);
    await load.reach(30);
    await rm(`${file}-wal`);
    const { code, stderr } = await server.ended;
    const { started, ended } = await load.stop();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^\S+ error The log of the database, .*test\.db-wal or .* and stops: start it again\.\n$/);
    const kept = handlesIn(file);
    expect([...started].filter((handle) => !kept.all.has(handle))).toEqual([]);
    expect([...ended].filter((handle) => !kept.ended.has(handle))).toEqual([]);
    expect(await savedCopies(file)).toEqual([]);
  });

  it('is refused to clients with 503 and SERVICE_UNAVAILABLE, and to probes, by a server in a program too', async () => {
    const file = fileOf(await emptyDatabase());
    const reported: unknown[] = [];
    const server = await createServer({
      env: { DATABASE_URL: `file:${file}` },
      report: (error) => reported.push(error),
    });
    onTestFinished(() => server.stop());
    const ask = (path: string, init: object = {}) => server.fetch(new Request(`http://localhost:4000${path}`, init));
    const mutate = (query: string) =>
      ask('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
    expect((await mutate(start)).status).toBe(200);
    expect((await ask('/ready')).status).toBe(200);
    await rm(file);
    // The first write notices it, whenever the last check was.
    const refused = await mutate(start);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await refused.json()).errors[0].extensions.code).toBe('SERVICE_UNAVAILABLE');
    expect((await ask('/ready')).status).toBe(503);
    await expect.poll(() => ask('/health').then(({ status }) => status, String)).toMatch(/has been stopped/);
    expect(reported).toEqual([expect.objectContaining({ message: expect.stringMatching(/removed or replaced/) })]);
  });

  it('is noticed without any request', async () => {
    const file = fileOf(await emptyDatabase());
    const reported: unknown[] = [];
    let saved: Promise<void> | null = null;
    const database = await openDatabase(`file:${file}`, {
      report: (error) => reported.push(error),
      onLost: (promise) => {
        saved = promise;
      },
    });
    await rm(dirname(file), { recursive: true });
    await expect.poll(() => saved).not.toBeNull();
    await saved;
    // The folder is gone too, and is not created again.
    expect(reported.map(String)).toEqual([
      expect.stringMatching(/was removed or replaced/),
      expect.stringMatching(/could not be saved/),
    ]);
    expect(existsSync(dirname(file))).toBe(false);
    await expect(database.session.count()).rejects.toThrow();
    await database.$disconnect();
  });

  it('does not end a server whose file is only read, backed up or written by others', async () => {
    const file = fileOf(await emptyDatabase());
    let isLost = false;
    const database = await openDatabase(`file:${file}`, {
      onLost: () => {
        isLost = true;
      },
    });
    const other = new BetterSqlite3(file);
    other.exec(`INSERT INTO "RateLimit" ("key", "points") VALUES ('a', 1)`);
    other.prepare('VACUUM INTO ?').run(`${file}.copy`);
    other.exec('VACUUM');
    other.pragma('wal_checkpoint(TRUNCATE)');
    other.close();
    await database.rateLimit.create({ data: { key: 'b', points: 1 } });
    expect(await database.rateLimit.count()).toBe(2);
    expect(isLost).toBe(false);
    await database.$disconnect();
    expect(await readdir(dirname(file))).toEqual(['test.db', 'test.db.copy']);
  });
});

describe('a database file with two names', () => {
  it('is opened by no server and no command, and the server that has it goes on', async () => {
    const folder = await temporaryFolder();
    const [one, two] = [join(folder, 'one.db'), join(folder, 'two.db')];
    const server = await startServer(`file:${one}`);
    await link(one, two);
    for (const args of [['src/main.ts'], ['src/cli.ts', 'prune'], ['src/cli.ts', 'migrate']]) {
      const [program = '', ...rest] = args;
      const refused = await runNode(program, rest, { DATABASE_URL: `file:${two}`, PORT: '0' }).ended;
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^The database file .*two\.db has 2 names \(hard links\)\. .*\n$/),
      });
    }
    expect((await send(server.address, start)).status).toBe(200);
    await rm(two);
    // Not `prune`, which the server may be doing at the moment.
    const listed = await runNode('src/cli.ts', ['session', 'list'], { DATABASE_URL: `file:${one}` }).ended;
    expect(listed).toMatchObject({ code: 0, stderr: '' });
  });
});
