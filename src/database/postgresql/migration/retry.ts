import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError, OperatorNotice } from '../../../errors.ts';
import type { LockObserver } from './lock-waits.ts';

/** In milliseconds. The longer a lock is held, the longer are the pauses, in which old servers work undisturbed. */
const pauses = { firstMs: 1_000, longestMs: 15_000 };

/** In milliseconds. Then the server ends, and its supervisor starts it again. */
export const giveUpAfterMs = 600_000;

/** Says that a migration was rolled back because it did not get a lock soon. `holders` are those who have it. */
export class LockNotAvailable extends Error {
  readonly migration: string;
  readonly holders: string;

  constructor(migration: string, holders: string) {
    super(`${migration} waits for ${holders}`);
    this.migration = migration;
    this.holders = holders;
  }
}

/** Returns whether PostgreSQL ended a statement because of a lock, or to end a deadlock. */
export function isLockFailure(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? error) as { code?: unknown };
  return code === '55P03' || code === '40P01';
}

/**
 * Tries something again after each LockNotAvailable, with growing pauses of random length: several servers do not try
 * at the same time.
 *
 * @throws OperatorError if it takes longer than `limitMs` from the first failure on
 */
export async function retryWhileLocked<T>(
  attempt: () => Promise<T>,
  limitMs: number,
  { report, signal }: Pick<LockObserver, 'report' | 'signal'>,
): Promise<T> {
  let failedAt: number | null = null;
  for (let pauseMs = pauses.firstMs; ; pauseMs = Math.min(2 * pauseMs, pauses.longestMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof LockNotAvailable)) throw error;
      const { migration, holders } = error;
      failedAt ??= performance.now();
      const nextMs = pauseMs * (0.75 + 0.5 * Math.random());
      if (performance.now() - failedAt + nextMs > limitMs) throw new OperatorError(isGivenUp(error, limitMs));
      report(
        new OperatorNotice(
          'warning',
          `The migration ${migration} needs a lock that ${holders} has. It lets the servers go first, and tries again ` +
            `in ${(nextMs / 1_000).toFixed(1)} s.`,
        ),
      );
      await sleep(nextMs, undefined, { signal });
    }
  }
}

function isGivenUp({ migration, holders }: LockNotAvailable, limitMs: number): string {
  return (
    `The migration ${migration} needs a lock that ${holders} has, and did not get it within ` +
    `${Math.round(limitMs / 1_000)} s. Nothing of it was changed. Start again after that transaction.`
  );
}
