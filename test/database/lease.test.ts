import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withLease } from '../../src/database/lease.ts';
import { openEmptyDatabase } from '../support/database.ts';

function clockAt(start: number) {
  const clock = { time: start, now: () => new Date(clock.time), stop: () => {} };
  return clock;
}

describe('lease', () => {
  it('lets one of many processes do the work at a time', async () => {
    const { database } = await openEmptyDatabase();
    const clock = clockAt(Date.now());
    let refused = 0;
    /** Works until all others have tried, and were refused. */
    const work = async () => {
      while (refused < 7) await sleep(5);
      return 'done';
    };
    const attempts = Array.from({ length: 8 }, async () => {
      const result = await withLease(database, 'work', clock, work);
      if (result === null) refused += 1;
      return result;
    });
    expect((await Promise.all(attempts)).filter((result) => result === 'done')).toHaveLength(1);
    expect(refused).toBe(7);
    expect(await withLease(database, 'work', clock, work)).toBe('done');
    expect(await database.lease.count()).toBe(0);
  });

  it('is for one kind of work, and is released when the work fails', async () => {
    const { database } = await openEmptyDatabase();
    const clock = clockAt(Date.now());
    const failing = withLease(database, 'a', clock, async () => {
      expect(await withLease(database, 'b', clock, async () => 'other')).toBe('other');
      throw new Error('failed');
    });
    await expect(failing).rejects.toThrow('failed');
    expect(await withLease(database, 'a', clock, async () => 'again')).toBe('again');
  });

  it('passes from a holder that was silent for too long, which then knows that it lost it', async () => {
    const { database } = await openEmptyDatabase();
    const clock = clockAt(Date.now());
    const result = await withLease(database, 'work', clock, async () => {
      clock.time += 29_999;
      expect(await withLease(database, 'work', clock, async () => 'too early')).toBeNull();
      clock.time += 1;
      return withLease(database, 'work', clock, async () => 'taken over');
    });
    expect(result).toBe('taken over');
  });
});
