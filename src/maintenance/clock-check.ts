/** Detects a clock that has jumped, before something is deleted because of it. */
import type { SessionPolicy } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { OperatorError } from '../errors.ts';

const dayMs = 86_400_000;

/**
 * The distance of the clock from the newest known time, in milliseconds, from which on it has jumped. Maintenance notes
 * the time every ten minutes, so the distance of a right clock is the time for which no server ran. A smaller jump
 * ends sessions that were not used for days, and deletes nothing before its time by more than this.
 */
const maxDistanceMs = 7 * dayMs;

const name = 'maintenance';

/** Says in one sentence that the clock has jumped, with both times. */
export class ClockJumpError extends OperatorError {
  constructor(now: Date, seenAt: Date) {
    const distanceMs = now.getTime() - seenAt.getTime();
    const days = Math.round(Math.abs(distanceMs) / dayMs);
    super(
      `The clock says ${now.toISOString()}, but the newest time that the database has seen is ${seenAt.toISOString()}, ` +
        `${days} days ${distanceMs > 0 ? 'earlier' : 'later'}, so nothing is pruned until the clock is back: if it is ` +
        'right, confirm it with "graphql-sessions prune --accept-clock".',
    );
  }
}

type IdlePolicy = Pick<SessionPolicy, 'idleTimeoutMs'>;

/** @throws ClockJumpError if the clock is far from the newest time that the database has seen */
export async function requireTrustedClock(db: Db, now: Date, policy: IdlePolicy): Promise<void> {
  const reading = await db.clockReading.findUnique({ where: { name } });
  const seenAt = reading?.at ?? (await newestTime(db, now, policy));
  if (seenAt === null) return;
  if (Math.abs(now.getTime() - seenAt.getTime()) > maxDistanceMs) throw new ClockJumpError(now, seenAt);
}

/**
 * Returns the newest time that the rows of a database show, for the first maintenance. Null for a database without any.
 * Later, the rows show nothing: a clock that is ahead writes them too.
 */
async function newestTime(db: Db, now: Date, { idleTimeoutMs }: IdlePolicy): Promise<Date | null> {
  const event = await db.auditEvent.findFirst({ orderBy: { id: 'desc' }, select: { at: true } });
  const session = await db.session.findFirst({ orderBy: { id: 'desc' }, select: { createdAt: true } });
  const lasting = await db.session.findFirst({ orderBy: { expiresAt: 'desc' }, select: { expiresAt: true } });
  // A session that expires last was used at the idle timeout before. With a longer timeout then, it was used earlier.
  const usedAt = lasting ? [Math.min(lasting.expiresAt.getTime() - idleTimeoutMs, now.getTime())] : [];
  const times = [event?.at, session?.createdAt].filter((time) => time !== undefined).map((time) => time.getTime());
  const all = [...times, ...usedAt];
  return all.length === 0 ? null : new Date(Math.max(...all));
}

/** Notes the time of a trusted clock. A clock that went back a little changes nothing. */
export async function noteClock(db: Db, now: Date): Promise<void> {
  const { count } = await db.clockReading.updateMany({ where: { name, at: { lt: now } }, data: { at: now } });
  if (count === 0) await db.clockReading.upsert({ where: { name }, create: { name, at: now }, update: {} });
}

/** Trusts the clock, as an operator has confirmed, whatever the database has seen. */
export async function acceptClock(db: Db, now: Date): Promise<void> {
  await db.clockReading.upsert({ where: { name }, create: { name, at: now }, update: { at: now } });
}
