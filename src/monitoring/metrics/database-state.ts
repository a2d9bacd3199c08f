/** Reads the state of the database for the metrics: at most one read in five seconds, which ends in time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../database/clock.ts';
import type { Database } from '../../database/database.ts';
import type { StorageFacts } from '../../database/observe/storage.ts';
import { priorities } from '../../mail/outbox.ts';

/** The time for which an answer of the database serves all scrapes: anybody who reaches the port may scrape often. */
const keptMs = 5_000;

/** The time for which a count of the sessions serves. */
const countKeptMs = 60_000;

/** The time after which a database that has not answered counts as down, in milliseconds. */
const defaultTimeoutMs = 3_000;

/** The maximum numbers of mails and of sessions that are counted: a count of a million rows takes long. */
export const maxCounted = { mails: 10_000, sessions: 100_000 } as const;

export type DatabaseState = {
  mails: number;
  /** The age of the oldest mail in the outbox. 0 without mail. */
  oldestMailMs: number;
  /** The time for which a mail has been due and was not tried. 0 without such a mail. */
  overdueMailMs: number;
  /** The time until each lease expires, by the name of the work. Negative after its expiry. */
  leases: Map<string, number>;
  /** The time since the start of the last complete maintenance. Null if there was none. */
  maintainedMs: number | null;
  /** The number of live sessions. Null if it could not be counted in time. */
  sessions: number | null;
  /** Null if the database refuses to tell them. */
  storage: StorageFacts | null;
};

export type Answer = {
  /** Null if the database did not answer in time. */
  state: DatabaseState | null;
  /** The time of the first small query, or until the failure. */
  answeredMs: number;
};

/** Returns a function that tells the state of the database. It never throws. */
export function stateReader(database: Database, clock: Clock, timeoutMs = defaultTimeoutMs): () => Promise<Answer> {
  let kept: { at: number; answer: Promise<Answer>; isDone: boolean } | null = null;
  const countSessions = sessionCounter(database, clock);
  return () => {
    const at = performance.now();
    // A read that hangs gets no second one beside it.
    if (kept?.isDone === false || (kept !== null && at - kept.at <= keptMs)) return kept.answer;
    const reading = read(database, clock, countSessions);
    const current = { at, answer: withTimeout(reading, timeoutMs), isDone: false };
    void reading.finally(() => {
      current.isDone = true;
    });
    kept = current;
    return current.answer;
  };
}

/** Returns the answer, or that of a database that is down if there is none in time. */
async function withTimeout(answer: Promise<Answer>, timeoutMs: number): Promise<Answer> {
  const giveUp = new AbortController();
  const late = sleep(timeoutMs, { state: null, answeredMs: timeoutMs }, { signal: giveUp.signal, ref: false });
  // The timer is aborted below.
  return Promise.race([answer, late]).finally(() => {
    late.catch(() => {});
    giveUp.abort();
  });
}

async function read(database: Database, clock: Clock, countSessions: () => Promise<number | null>): Promise<Answer> {
  const began = performance.now();
  let answeredMs: number | null = null;
  try {
    const now = clock.now().getTime();
    const since = (time: Date | undefined) => (time ? Math.max(0, now - time.getTime()) : 0);
    const oldest = await database.mail.findFirst({ orderBy: { id: 'asc' }, select: { createdAt: true } });
    answeredMs = performance.now() - began;
    const mails = await database.mail.count({ take: maxCounted.mails });
    const overdue: number[] = [];
    for (const priority of priorities) {
      const orderBy = { sendAfter: 'asc' } as const;
      const next = await database.mail.findFirst({ where: { priority }, orderBy, select: { sendAfter: true } });
      overdue.push(since(next?.sendAfter));
    }
    const leases = await database.lease.findMany();
    const maintained = await database.clockReading.findUnique({ where: { name: 'maintenance' } });
    const state = {
      mails,
      oldestMailMs: since(oldest?.createdAt),
      overdueMailMs: Math.max(...overdue),
      leases: new Map(leases.map(({ name, expiresAt }) => [name, expiresAt.getTime() - now])),
      maintainedMs: maintained && now - maintained.at.getTime(),
      sessions: await countSessions(),
      storage: await database.$storage().catch(() => null),
    };
    return { state, answeredMs };
  } catch {
    return { state: null, answeredMs: answeredMs ?? performance.now() - began };
  }
}

/** Returns a function that counts the live sessions, at most once a minute. Null if the database takes too long. */
function sessionCounter(database: Database, clock: Clock): () => Promise<number | null> {
  let counted: { at: number; sessions: number | null } | null = null;
  return async () => {
    if (counted === null || performance.now() - counted.at > countKeptMs) {
      // The end of a session sets its expiry. So the index of expiries suffices.
      const where = { expiresAt: { gt: clock.now() } };
      const sessions = await database.session.count({ where, take: maxCounted.sessions }).catch(() => null);
      counted = { at: performance.now(), sessions };
    }
    return counted.sessions;
  };
}
