import { describe, expect, it } from 'vitest';
import { localClock } from '../../src/database/clock.ts';
import type { Database } from '../../src/database/database.ts';
import { tablesWithIds } from '../../src/database/readiness/probe.ts';
import { enqueueMail } from '../../src/mail/outbox.ts';
import { stateReader } from '../../src/monitoring/metrics/database-state.ts';
import { keepAnswer } from '../../src/monitoring/metrics/keep-answer.ts';
import { sessionCounter } from '../../src/monitoring/metrics/session-count.ts';
import { startApi } from '../support/api.ts';
import { isPostgresql, openEmptyDatabase } from '../support/database.ts';

const minute = 60_000;

describe('the state of the database for metrics', () => {
  it('has ages by the clock of the database: of mail, of leases and of the last maintenance', async () => {
    const { database } = await openEmptyDatabase();
    const now = new Date();
    const at = (minutes: number) => new Date(now.getTime() + minutes * minute);
    const clock = { now: () => now, stop: () => {} };
    const read = async () => (await stateReader(database, clock)()).state;
    const calm = { mails: 0, oldestMailMs: 0, overdueMailMs: 0, maintainedMs: null, leases: new Map() };
    expect(await read()).toMatchObject(calm);
    const mail = { recipient: 'ada@example.com', userId: null };
    await enqueueMail(database, { ...mail, name: 'verify-email' }, at(-9));
    await enqueueMail(database, { ...mail, name: 'reset-password' }, at(-3));
    await database.mail.updateMany({ where: { template: 'verify-email' }, data: { sendAfter: at(1) } });
    await database.lease.create({ data: { name: 'mail', holder: 'a', expiresAt: at(-2) } });
    await database.lease.create({ data: { name: 'maintenance', holder: 'b', expiresAt: at(1) } });
    await database.clockReading.create({ data: { name: 'maintenance', at: at(-12) } });
    expect(await read()).toMatchObject({
      mails: 2,
      oldestMailMs: 9 * minute,
      overdueMailMs: 3 * minute,
      maintainedMs: 12 * minute,
      leases: new Map([
        ['mail', -2 * minute],
        ['maintenance', minute],
      ]),
    });
  });

  it('counts live sessions only', async () => {
    const api = await startApi();
    const { database, clock } = api;
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.signUp('bob@example.com', 'BEARER');
    await ada.act('logout');
    const read = () => sessionCounter(database, { now: () => clock.now, stop: () => {} })();
    expect(await read()).toBe(1);
    clock.now = new Date(clock.now.getTime() + 40 * 86_400_000);
    expect(await read()).toBe(0);
  });

  it('counts many sessions in steps, also those that expire at once', async () => {
    const { database } = await openEmptyDatabase();
    const now = Date.now();
    const data = Array.from({ length: 33 }, (_, n) => ({
      handle: `h${n}`,
      expiresAt: new Date(now + (n < 15 ? 10 : n)),
    }));
    await database.session.createMany({ data });
    expect(await sessionCounter(database, { now: () => new Date(now), stop: () => {} }, 10)()).toBe(33);
  });

  it('has the size of the storage, and the share of the ids that are used', async () => {
    const api = await startApi();
    const { database, url } = api;
    await api.signUp('ada@example.com', 'BEARER');
    const { databaseBytes, logBytes } = await database.$storage();
    expect(databaseBytes).toBeGreaterThan(10_000);
    if (isPostgresql(url)) expect(logBytes).toBeNull();
    else expect(logBytes).toBeGreaterThan(10_000);
    const usedIds = async () => new Map((await stateReader(database, localClock)()).state?.usedIds);
    expect(await usedIds()).toEqual(new Map(tablesWithIds.map((table) => [table, expect.any(Number)])));
    expect((await usedIds()).get('User')).toBe(1 / 2 ** 63);
    const statement = isPostgresql(url)
      ? `SELECT setval('"Session_id_seq"', 9000000000000000000)`
      : `UPDATE "sqlite_sequence" SET "seq" = 9000000000000000000 WHERE "name" = 'Session'`;
    await database.$queryRawUnsafe(statement);
    expect((await usedIds()).get('Session')).toBeCloseTo(0.976, 3);
  });

  it('is read once for all who ask meanwhile, also if the database hangs, and then it is null in time', async () => {
    let reads = 0;
    const hanging = {
      mail: {
        findFirst() {
          reads += 1;
          return new Promise(() => {});
        },
      },
    } as unknown as Database;
    const read = stateReader(hanging, { now: () => new Date(), stop: () => {} }, 50);
    expect(await Promise.all([read(), read()])).toEqual(Array(2).fill({ state: null, answeredMs: 50 }));
    await read();
    expect(reads).toBe(1);
  });
});

describe('an answer that is kept', () => {
  it('is that which came too late, once it is there', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let questions = 0;
    const ask = keepAnswer(
      () => {
        questions += 1;
        return promise;
      },
      { keptMs: 60_000, timeoutMs: 20, late: 'late' },
    );
    expect(await ask()).toBe('late');
    resolve('the answer');
    await expect.poll(ask).toBe('the answer');
    expect(questions).toBe(1);
  });
});
