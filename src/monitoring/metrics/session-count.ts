import type { Clock } from '../../database/clock.ts';
import type { Database } from '../../database/database.ts';
import { keepAnswer } from './keep-answer.ts';

/** The maximum number of sessions that are counted: a count of a million rows takes long. */
export const maxCountedSessions = 100_000;

/** SQLite counts so many in less than a millisecond. It blocks the event loop meanwhile. */
const defaultStepSize = 5_000;

/** Returns a function that counts the live sessions, at most once a minute. Null if the database takes too long. */
export function sessionCounter(
  database: Database,
  clock: Clock,
  stepSize = defaultStepSize,
): () => Promise<number | null> {
  const count = () => countLive(database, clock.now(), stepSize).catch(() => null);
  return keepAnswer(count, { keptMs: 60_000, timeoutMs: 3_000, late: null });
}

/** Counts along the index of expiries, in steps. The end of a session sets its expiry, so this index suffices. */
async function countLive(database: Database, now: Date, stepSize: number): Promise<number> {
  let after = now;
  let sum = 0;
  while (sum < maxCountedSessions) {
    const where = { expiresAt: { gt: after } };
    const orderBy = { expiresAt: 'asc' } as const;
    const select = { expiresAt: true } as const;
    const last = await database.session.findFirst({ where, orderBy, select, skip: stepSize - 1 });
    if (!last) return Math.min(maxCountedSessions, sum + (await database.session.count({ where, take: stepSize })));
    sum += await database.session.count({ where: { expiresAt: { gt: after, lte: last.expiresAt } } });
    after = last.expiresAt;
  }
  return maxCountedSessions;
}
