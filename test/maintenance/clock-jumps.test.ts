import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withLease } from '../../src/database/lease.ts';
import { acceptClock } from '../../src/maintenance/clock-check.ts';
import { maintain as maintainDatabase, startMaintenance } from '../../src/maintenance/maintenance.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { emptyDatabase, isPostgresql, openEmptyDatabase } from '../support/database.ts';
import { send } from '../support/load.ts';
import { runNode, startServer } from '../support/process.ts';

const day = 86_400_000;

/** A server with a user, whose clock the test moves. */
async function serverOfAda() {
  const api = await startApi();
  const ada = await api.signUp('ada@example.com', 'BEARER');
  const started = api.clock.now.getTime();
  const clock = { now: () => api.clock.now, stop: () => {} };
  return {
    api,
    ada,
    /** Sets the clock to a number of days after the start. */
    setClock: (days: number) => {
      api.clock.now = new Date(started + days * day);
    },
    maintain: () => maintainDatabase(api.database, api.config, clock),
    clock,
  };
}

/** Returns what maintenance could delete or end. */
async function rowsOf({ database }: TestApi) {
  return {
    sessions: await database.session.findMany(),
    tokens: await database.userToken.findMany(),
    events: await database.auditEvent.findMany(),
  };
}

describe('a clock that is 400 days ahead', () => {
  it.each([
    ['after maintenance', true],
    ['before the first maintenance', false],
  ])('deletes and ends nothing, %s, and nobody is signed out once it is right', async (_name, wasMaintained) => {
    const { api, ada, setClock, maintain } = await serverOfAda();
    if (wasMaintained) await maintain();
    const before = await rowsOf(api);
    setClock(400);
    await expect(maintain()).rejects.toThrow(
      /^The clock says \S+Z, but the newest time that the database has seen is \S+Z, 400 days earlier, so nothing is pr/,
    );
    expect(await rowsOf(api)).toEqual(before);
    setClock(0.1);
    expect(await maintain()).toBe(0);
    expect(await ada.ask('{ viewer { email } }')).toEqual({ viewer: { email: 'ada@example.com' } });
  });

  it('stays suspicious although users sign in meanwhile', async () => {
    const { api, setClock, maintain } = await serverOfAda();
    await maintain();
    setClock(400);
    await expect(maintain()).rejects.toThrow(/^The clock says/);
    await api.signUp('bob@example.com', 'BEARER');
    await expect(maintain()).rejects.toThrow(/^The clock says/);
    expect(await api.database.session.count()).toBe(2);
  });

  it('is right if the operator says so', async () => {
    const { api, setClock, maintain, clock } = await serverOfAda();
    await maintain();
    setClock(400);
    await acceptClock(api.database, clock.now());
    expect(await maintain()).toBe(1);
    expect(await api.database.session.count()).toBe(0);
    // The time from before would be the jump now.
    setClock(0);
    await expect(maintain()).rejects.toThrow(/400 days later/);
  });

  it('is reported once by a server, and again after it was right', async () => {
    const { api, setClock, maintain, clock } = await serverOfAda();
    await maintain();
    setClock(400);
    const reported: unknown[] = [];
    const report = (error: unknown) => reported.push(error);
    let reads = 0;
    const counting = {
      ...clock,
      now: () => {
        reads += 1;
        return clock.now();
      },
    };
    const pauses = { report, firstRunAfterMs: 1, pauseMs: 1 };
    const maintenance = startMaintenance(api.database, api.config, counting, pauses);
    onTestFinished(() => maintenance.stop());
    await expect.poll(() => reads).toBeGreaterThan(10);
    expect(reported).toEqual([expect.objectContaining({ message: expect.stringMatching(/400 days earlier/) })]);
    setClock(0);
    reads = 0;
    await expect.poll(() => reads).toBeGreaterThan(10);
    setClock(-400);
    await expect.poll(() => reported).toHaveLength(2);
    expect(await api.database.session.count()).toBe(1);
  });
});

it('a stop of days is no jump of the clock, and neither is a database without rows', async () => {
  const { api, setClock, maintain } = await serverOfAda();
  await maintain();
  for (const days of [6, 12, 18, 24, 30, 36, 42]) {
    setClock(days);
    await maintain();
  }
  expect(await api.database.session.count()).toBe(0);
  const { database } = await openEmptyDatabase();
  const clock = { now: () => new Date(0), stop: () => {} };
  expect(await maintainDatabase(database, api.config, clock)).toBe(0);
});

it('a lease from the future is none, but one of a clock that differs a little is', async () => {
  const { database } = await openEmptyDatabase();
  const now = Date.now();
  const clock = { now: () => new Date(now), stop: () => {} };
  const work = () => withLease(database, 'work', clock, async () => 'done');
  await database.lease.create({ data: { name: 'work', holder: 'other', expiresAt: new Date(now + 31_000) } });
  expect(await work()).toBeNull();
  await database.lease.updateMany({ data: { expiresAt: new Date(now + 400 * day) } });
  expect(await work()).toBe('done');
});

describe('a server on SQLite', () => {
  it('that starts with a clock 400 days ahead says so, and keeps everything', { tags: ['slow/process'] }, async ({
    skip,
  }) => {
    const url = await emptyDatabase();
    // On PostgreSQL, the clock is that of the database.
    if (isPostgresql(url)) skip();
    const stop = async ({ child, ended }: Awaited<ReturnType<typeof startServer>>) => {
      child.kill('SIGTERM');
      return ended;
    };
    const first = await startServer(url);
    const { token } = (await send(first.address, 'mutation { startSession(transport: BEARER) { token } }')).body.data
      .startSession;
    await stop(first);

    const shifted = `--import ${join(process.cwd(), 'test/support/shifted-clock.ts')}`;
    const ahead = await startServer(url, { NODE_OPTIONS: shifted, CLOCK_SHIFT_MS: String(400 * day) });
    await ahead.until(/accept-clock/);
    expect((await stop(ahead)).stderr).toMatch(
      /^\S+ error The clock says .*, 400 days earlier, so nothing is pruned .*\n$/,
    );

    const right = await startServer(url);
    const { body } = await send(right.address, '{ currentSession { id } }', token);
    expect(body.data.currentSession).not.toBeNull();
  });
});

describe('prune', () => {
  it('refuses a clock that has jumped, and takes it with --accept-clock', { tags: ['slow/process'] }, async () => {
    const { database, url } = await openEmptyDatabase();
    const longAgo = new Date(Date.now() - 400 * day);
    await acceptClock(database, longAgo);
    await database.session.create({ data: { handle: 'h', expiresAt: new Date(longAgo.getTime() + day) } });
    const cli = (...args: string[]) => runNode('src/cli.ts', ['prune', ...args], { DATABASE_URL: url }).ended;
    const refusal = {
      code: 1,
      stderr: expect.stringMatching(/^The clock says .* 400 days earlier, .*accept-clock"\.\n$/),
    };
    expect(await cli()).toMatchObject({ ...refusal, stdout: '' });
    expect(await cli('--dry-run')).toMatchObject({ ...refusal, stdout: 'Would delete 1 session.\n' });
    expect(await database.session.count()).toBe(1);
    expect(await cli('--accept-clock')).toEqual({ code: 0, stdout: 'Deleted 1 session.\n', stderr: '' });
    expect(await cli()).toEqual({ code: 0, stdout: 'Deleted 0 sessions.\n', stderr: '' });
  });
});
