/** @module-tag slow/hashing */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { hashPassword } from '../../src/passwords/password.ts';
import { verify } from '../support/passwords.ts';

const policy = readConfig({}).passwords;
const password = 'x'.repeat(15);

/** All threads that were started in this process so far. */
const threads: Worker[] = [];
process.on('worker', (worker) => threads.push(worker));

describe('hashing threads', () => {
  it('start on demand, one fewer than there are processors', async () => {
    expect(threads).toHaveLength(0);
    await Promise.all(Array.from({ length: 20 }, () => hashPassword(password, policy)));
    expect(threads).toHaveLength(Math.max(1, availableParallelism() - 1));
  });

  it('do the work, and leave the main thread free', async () => {
    await hashPassword(password, policy);
    const before = performance.eventLoopUtilization();
    await Promise.all(Array.from({ length: 30 }, () => hashPassword(password, policy)));
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
  });

  it('report failures, and continue', async () => {
    const impossible = { ...policy, memoryKiB: 1 };
    const outcomes = await Promise.allSettled([
      hashPassword(password, policy),
      hashPassword(password, impossible),
      hashPassword(password, policy),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('lose only the work that kills them: a new thread answers the rest', async () => {
    const hash = await hashPassword(password, policy);
    const costly = { ...policy, passes: 20 };
    const asked = Array.from({ length: 30 }, (_, n) => hashPassword(`${password}${n}`, costly));
    const outcomes = Promise.allSettled(asked);
    await asked[0];
    // With so many at once, every thread has one that it works on.
    const busy = [...threads];
    await Promise.all(busy.map((worker) => worker.terminate()));
    const failed = (await outcomes).filter(({ status }) => status === 'rejected');
    expect(failed).toHaveLength(busy.length);
    expect(threads).toHaveLength(2 * busy.length);
    expect(await verify(password, hash, policy)).toBe(true);
  });
});
