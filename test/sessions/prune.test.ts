import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { lockMaintenance } from '../../src/database/database.ts';
import { startMaintenance } from '../../src/sessions/maintenance.ts';
import { countPrunable, forgetDevices, pruneSessions } from '../../src/sessions/prune.ts';
import { startApi } from '../support/api.ts';
import { openEmptyDatabase, openFile } from '../support/database.ts';

const day = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * day);

/** So many rows that expired so many days ago, each with a device. */
function insert(url: string, count: number, days: number, name = `d${days}-`): void {
  openFile(url)
    .prepare(
      `INSERT INTO "Session" ("createdAt", "updatedAt", "expiresAt", "handle", "hashedSessionToken", "userAgent", "ipAddress")
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       SELECT 1, 1, ? + i % 7, ? || i, 't', 'curl/8', '203.0.113.5' FROM n`,
    )
    .run(count, ago(days).getTime(), name);
}

describe('pruneSessions', () => {
  it('deletes what ended or expired before that moment, and nothing else', async () => {
    const { database, url } = await openEmptyDatabase();
    insert(url, 3_000, 31);
    insert(url, 10, 29);
    insert(url, 10, -1);
    expect(await countPrunable(database, ago(30))).toBe(3_000);
    expect(await pruneSessions(database, ago(30))).toBe(3_000);
    expect(await database.session.count()).toBe(20);
    expect(await pruneSessions(database, ago(30))).toBe(0);
  });

  it('goes in small batches, between which requests are answered', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    insert(api.url, 50_000, 31);
    let isDone = false;
    const pruning = pruneSessions(api.database, ago(30)).finally(() => {
      isDone = true;
    });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    let answered = 0;
    while (!isDone) {
      await ada.ask('{ viewer { id } }');
      answered += 1;
      // Requests in one process would otherwise never let a timer have its turn, as those of a network do.
      await setImmediate();
    }
    delay.disable();
    expect(await pruning).toBe(50_000);
    expect(answered).toBeGreaterThan(50);
    // One batch aims at 4 ms. A single statement for all of it takes some hundred.
    expect(delay.percentile(90) / 1e6).toBeLessThan(50);
  });

  it('stops after the batch that is running when it is told to', async () => {
    const { database, url } = await openEmptyDatabase();
    insert(url, 20_000, 31);
    const stopping = new AbortController();
    const pruning = pruneSessions(database, ago(30), stopping.signal);
    stopping.abort();
    expect(await pruning).toBeLessThan(1_000);
    expect(await database.session.count()).toBeGreaterThan(19_000);
  });
});

describe('forgetDevices', () => {
  it('forgets the address and the agent of sessions that are over for long enough, and of no others', async () => {
    const { database, url } = await openEmptyDatabase();
    insert(url, 2_500, 8);
    insert(url, 10, 6);
    insert(url, 10, -1);
    expect(await forgetDevices(database, new Date(0), ago(7))).toBe(2_500);
    const kept = await database.session.findMany({ where: { ipAddress: { not: null }, userAgent: { not: null } } });
    expect(kept).toHaveLength(20);
    for (const session of kept) expect(session.expiresAt.getTime()).toBeGreaterThan(ago(7).getTime());
    expect(await forgetDevices(database, new Date(0), ago(7))).toBe(0);
  });
});

describe('the maintenance of a server', () => {
  function maintain(opened: Awaited<ReturnType<typeof openEmptyDatabase>>, reported: unknown[]) {
    const config = { ...readConfig({}), databaseUrl: opened.url };
    const maintenance = startMaintenance(opened.database, config, (error) => reported.push(error), 1);
    onTestFinished(() => maintenance.stop());
    return maintenance;
  }

  it('prunes and forgets by itself', async () => {
    const opened = await openEmptyDatabase();
    insert(opened.url, 100, 31);
    insert(opened.url, 100, 8);
    const reported: unknown[] = [];
    maintain(opened, reported);
    await expect.poll(() => opened.database.session.count(), { timeout: 5_000 }).toBe(100);
    expect(await opened.database.session.count({ where: { ipAddress: { not: null } } })).toBe(0);
    expect(reported).toEqual([]);
  });

  it('does nothing while somebody else is at it', async () => {
    const opened = await openEmptyDatabase();
    insert(opened.url, 100, 31);
    const release = await lockMaintenance(opened.url);
    expect(release).not.toBeNull();
    expect(await lockMaintenance(opened.url)).toBeNull();
    const maintenance = maintain(opened, []);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await maintenance.stop();
    expect(await opened.database.session.count()).toBe(100);
    release?.();
    maintain(opened, []);
    await expect.poll(() => opened.database.session.count(), { timeout: 5_000 }).toBe(0);
  });
});
