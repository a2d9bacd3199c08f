/** @module-tag repeated */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { localClock } from '../../src/database/clock.ts';
import type { Database } from '../../src/database/database.ts';
import { startMaintenance } from '../../src/maintenance/maintenance.ts';
import {
  countPrunable,
  deleteClientInfo,
  endExpired,
  pruneExpired,
  pruneSessions,
} from '../../src/maintenance/prune.ts';
import { startApi } from '../support/api.ts';
import { isPostgresql, openEmptyDatabase, type TestDatabase } from '../support/database.ts';

const day = 86_400_000;
const many = inject('isShort') ? 4_000 : 20_000;
const { sessions } = readConfig({});
const ago = (days: number) => new Date(Date.now() - days * day);

/** Stores a number of sessions that expired a number of days ago, each with client information. */
async function insert(database: Database, count: number, days: number): Promise<void> {
  const expiredAt = ago(days).getTime();
  const sessions = Array.from({ length: count }, (_, n) => ({
    handle: `d${days}-${n}`,
    hashedSessionToken: 't',
    expiresAt: new Date(expiredAt + (n % 7)),
    userAgent: 'curl/8',
    ipAddress: '203.0.113.5',
  }));
  for (let from = 0; from < count; from += 2_000) {
    await database.session.createMany({ data: sessions.slice(from, from + 2_000) });
  }
}

describe('pruneSessions', () => {
  it('deletes the sessions that ended or expired before a time, and no others', async () => {
    const { database } = await openEmptyDatabase();
    await insert(database, 3_000, 31);
    await insert(database, 10, 29);
    await insert(database, 10, -1);
    expect(await countPrunable(database, ago(30))).toBe(3_000);
    expect(await pruneSessions(database, ago(30))).toBe(3_000);
    expect(await database.session.count()).toBe(20);
    expect(await pruneSessions(database, ago(30))).toBe(0);
  });

  it('runs in small batches, and requests are answered between them', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await insert(api.database, many, 31);
    let isDone = false;
    api.statements.length = 0;
    const pruning = pruneSessions(api.database, ago(30)).finally(() => {
      isDone = true;
    });
    let answered = 0;
    while (!isDone) {
      await ada.ask('{ viewer { id } }');
      answered += 1;
      // Requests in one process would otherwise never let a timer have its turn, as those of a network do.
      await setImmediate();
    }
    expect(await pruning).toBe(many);
    expect(api.statements.filter((sql) => /^\s*DELETE/i.test(sql)).length).toBeGreaterThanOrEqual(many / 500);
    // On SQLite at least one between two batches: it answers no request during a statement. PostgreSQL does.
    expect(answered).toBeGreaterThan(isPostgresql(api.url) ? 0 : many / 400);
  });

  it('stops on demand after the running batch', async () => {
    const { database } = await openEmptyDatabase();
    await insert(database, many, 31);
    const pruned = await pruneSessions(database, ago(30), () => false);
    expect(pruned).toBeLessThan(1_000);
    expect(await database.session.count()).toBe(many - pruned);
  });
});

describe('deleteClientInfo', () => {
  it('deletes the address and the user agent of sessions after the retention, and of no others', async () => {
    const { database } = await openEmptyDatabase();
    await insert(database, 2_500, 8);
    await insert(database, 10, 6);
    await insert(database, 10, -1);
    expect(await deleteClientInfo(database, ago(7))).toBe(2_500);
    const kept = await database.session.findMany({ where: { ipAddress: { not: null }, userAgent: { not: null } } });
    expect(kept).toHaveLength(20);
    for (const session of kept) expect(session.expiresAt.getTime()).toBeGreaterThan(ago(7).getTime());
    expect(await deleteClientInfo(database, ago(7))).toBe(0);
  });
});

describe('endExpired', () => {
  it('deletes the data of sessions that have expired, and of no others', async () => {
    const { database } = await openEmptyDatabase();
    const columns = ['publicData', 'privateData', 'antiCSRFToken'] as const;
    await insert(database, 700, 0.01);
    await insert(database, 10, -0.01);
    // Each has one of the three.
    for (const [n, column] of columns.entries()) {
      const ids = (await database.session.findMany({ select: { id: true } })).map(({ id }) => id);
      const where = { id: { in: ids.filter((id) => id % BigInt(columns.length) === BigInt(n)) } };
      await database.session.updateMany({ where, data: { [column]: 'x' } });
    }
    expect(await endExpired(database, new Date(), sessions)).toBe(700);
    const kept = await database.session.findMany({ where: { OR: columns.map((column) => ({ [column]: 'x' })) } });
    expect(kept).toHaveLength(10);
    for (const session of kept) expect(session.expiresAt.getTime()).toBeGreaterThan(Date.now());
    // How it was used is forgotten later.
    expect(await database.session.count({ where: { ipAddress: { not: null } } })).toBe(710);
    expect(await endExpired(database, new Date(), sessions)).toBe(0);
  });

  it('records which limit a session of a user reached, and when, once', async () => {
    const api = await startApi();
    const started = api.clock.now.getTime();
    const { idleTimeoutMs, lifetimeMs } = api.config.sessions;
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.client().ask('mutation { startSession { session { id } } }');
    // One is used to the end of its lifetime, the other is not.
    await ada.login('ada@example.com', 'BEARER');
    await api.client().login('ada@example.com', 'BEARER');
    for (let time = idleTimeoutMs / 2; time < lifetimeMs; time += idleTimeoutMs / 2) {
      api.clock.now = new Date(started + time);
      await ada.ask('{ viewer { id } }');
    }
    api.clock.now = new Date(started + lifetimeMs - 1);
    expect(await endExpired(api.database, api.clock.now, api.config.sessions)).toBe(2);
    api.clock.now = new Date(started + lifetimeMs);
    expect(await endExpired(api.database, api.clock.now, api.config.sessions)).toBe(1);
    expect(await endExpired(api.database, api.clock.now, api.config.sessions)).toBe(0);
    const events = await api.database.auditEvent.findMany({
      where: { type: 'SESSION_EXPIRED' },
      orderBy: { id: 'asc' },
    });
    const rows = await api.database.session.findMany({ orderBy: { id: 'asc' } });
    const [, visitors, used, unused] = rows;
    expect(rows.map(({ endReason }) => endReason)).toEqual(['REPLACED', 'IDLE_TIMEOUT', 'LIFETIME', 'IDLE_TIMEOUT']);
    expect(events).toMatchObject([
      { detail: 'IDLE_TIMEOUT', sessionHandle: unused?.handle, at: new Date(started + idleTimeoutMs), actorId: null },
      { detail: 'LIFETIME', sessionHandle: used?.handle, at: new Date(started + lifetimeMs), actorId: null },
    ]);
    for (const row of [visitors, used, unused]) expect(row?.hashedSessionToken).toBeNull();
  });
});

describe('pruneExpired', () => {
  it('deletes expired tokens and counts, and none without an expiry', async () => {
    const { database } = await openEmptyDatabase();
    const now = new Date();
    const times = [ago(1), now, ago(-1)];
    const token = { purpose: 'KNOWN_DEVICE', hashedToken: 'x' };
    await database.userToken.createMany({
      data: times.map((expiresAt, n) => ({ ...token, handle: `h${n}`, expiresAt })),
    });
    await database.rateLimit.createMany({
      data: [...times, null].map((expiresAt, n) => ({ key: `k${n}`, points: 1, expiresAt })),
    });
    await pruneExpired(database, now);
    expect((await database.userToken.findMany()).map(({ handle }) => handle)).toEqual(['h2']);
    const left = await database.rateLimit.findMany({ orderBy: { key: 'asc' } });
    expect(left.map(({ key }) => key)).toEqual(['k2', 'k3']);
  });
});

describe('maintenance of a server', () => {
  const policy = {
    sessionRetentionMs: 30 * day,
    deviceRetentionMs: 7 * day,
    auditRetentionMs: 365 * day,
    sessions,
    encryptionKeys: null,
    adminRoles: ['admin'] as const,
  };

  function maintain({ database }: TestDatabase, reported: unknown[] = []) {
    const maintenance = startMaintenance(database, policy, localClock, {
      report: (error) => reported.push(error),
      firstRunAfterMs: 1,
    });
    onTestFinished(() => maintenance.stop());
    return maintenance;
  }

  it('runs by itself', async () => {
    const opened = await openEmptyDatabase();
    await insert(opened.database, 100, 31);
    await insert(opened.database, 100, 8);
    await insert(opened.database, 10, 0.01);
    await opened.database.session.updateMany({ data: { publicData: '{"cart":[1]}' } });
    await opened.database.rateLimit.create({ data: { key: 'k', points: 1, expiresAt: ago(1) } });
    const reported: unknown[] = [];
    maintain(opened, reported);
    await expect.poll(() => opened.database.session.count()).toBe(110);
    await expect.poll(() => opened.database.rateLimit.count()).toBe(0);
    const withAddress = { ipAddress: { not: null } };
    await expect.poll(() => opened.database.session.count({ where: withAddress })).toBe(10);
    const withData = { publicData: { not: null } };
    await expect.poll(() => opened.database.session.count({ where: withData })).toBe(0);
    expect(reported).toEqual([]);
  });

  it('does nothing while another process holds the lease, and takes over from one that died', async () => {
    const opened = await openEmptyDatabase();
    await insert(opened.database, 100, 31);
    const inHalfAMinute = new Date(Date.now() + 30_000);
    await opened.database.lease.create({ data: { name: 'maintenance', holder: 'another', expiresAt: inHalfAMinute } });
    const maintenance = maintain(opened);
    await sleep(300);
    await maintenance.stop();
    expect(await opened.database.session.count()).toBe(100);
    await opened.database.lease.updateMany({ data: { expiresAt: new Date(Date.now() - 1) } });
    maintain(opened);
    await expect.poll(() => opened.database.session.count()).toBe(0);
  });
});
