/** Reads the state of the database for the metrics: at most one read in five seconds, which ends in time. */
import type { Clock } from '../../database/clock.ts';
import type { Database } from '../../database/database.ts';
import type { StorageFacts } from '../../database/observe/storage.ts';
import { usedShares } from '../../database/readiness/ids.ts';
import { priorities } from '../../mail/outbox.ts';
import { keepAnswer } from './keep-answer.ts';

/** The time for which an answer of the database serves all scrapes. */
const keptMs = 5_000;

/** The time after which a database that has not answered counts as down, in milliseconds. */
const defaultTimeoutMs = 3_000;

/** The maximum number of mails that are counted: a count of a million rows takes long. */
export const maxCountedMails = 10_000;

/** The maximum number of waiting deliveries that are counted. */
export const maxCountedDeliveries = 10_000;

export type DatabaseState = {
  mails: number;
  /** The age of the oldest mail in the outbox. 0 without mail. */
  oldestMailMs: number;
  /** The time for which a mail has been due and was not tried. 0 without such a mail. */
  overdueMailMs: number;
  /** The deliveries to enabled webhooks that wait, up to `maxCountedDeliveries`. */
  deliveries: number;
  /** The age of the oldest of these. 0 without one. */
  oldestDeliveryMs: number;
  /** The time until each lease expires, by the name of the work. Negative after its expiry. */
  leases: Map<string, number>;
  /** The time since the start of the last complete maintenance. Null if there was none. */
  maintainedMs: number | null;
  /** Null if the database refuses to tell them. */
  storage: StorageFacts | null;
  /** The share of the ids that each table has given out, from 0 to 1. Empty if the database refuses to tell them. */
  usedIds: [table: string, share: number][];
};

export type Answer = {
  /** Null if the database did not answer in time. */
  state: DatabaseState | null;
  /** The time of the first small query, or until the failure. */
  answeredMs: number;
};

/** Returns a function that tells the state of the database. It never throws. */
export function stateReader(database: Database, clock: Clock, timeoutMs = defaultTimeoutMs): () => Promise<Answer> {
  const late = { state: null, answeredMs: timeoutMs };
  return keepAnswer(() => read(database, clock), { keptMs, timeoutMs, late });
}

async function read(database: Database, clock: Clock): Promise<Answer> {
  const began = performance.now();
  let answeredMs: number | null = null;
  try {
    const now = clock.now().getTime();
    const since = (time: Date | undefined) => (time ? Math.max(0, now - time.getTime()) : 0);
    const oldest = await database.mail.findFirst({ orderBy: { id: 'asc' }, select: { createdAt: true } });
    answeredMs = performance.now() - began;
    const mails = await database.mail.count({ take: maxCountedMails });
    const overdue: number[] = [];
    for (const priority of priorities) {
      const orderBy = { sendAfter: 'asc' } as const;
      const next = await database.mail.findFirst({ where: { priority }, orderBy, select: { sendAfter: true } });
      overdue.push(since(next?.sendAfter));
    }
    const waiting = await database.webhookDelivery.aggregate({
      where: { state: 'WAITING', webhook: { is: { disabledAt: null } } },
      take: maxCountedDeliveries,
      _count: true,
      _min: { queuedAt: true },
    });
    const leases = await database.lease.findMany();
    const maintained = await database.clockReading.findUnique({ where: { name: 'maintenance' } });
    const state = {
      mails,
      oldestMailMs: since(oldest?.createdAt),
      overdueMailMs: Math.max(...overdue),
      deliveries: waiting._count,
      oldestDeliveryMs: since(waiting._min.queuedAt ?? undefined),
      leases: new Map(leases.map(({ name, expiresAt }) => [name, expiresAt.getTime() - now])),
      maintainedMs: maintained && now - maintained.at.getTime(),
      storage: await database.$storage().catch(() => null),
      usedIds: await database.$probe.idUsage().then(usedShares, () => []),
    };
    return { state, answeredMs };
  } catch {
    return { state: null, answeredMs: answeredMs ?? performance.now() - began };
  }
}
