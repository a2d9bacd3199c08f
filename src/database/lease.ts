import { randomUUID } from 'node:crypto';
import { Prisma } from '../generated/sqlite/client.ts';
import type { Clock } from './clock.ts';
import type { Db } from './database.ts';

/** How long after a holder died somebody else takes over. */
const leaseMs = 30_000;

/**
 * Whether somebody still holds a lease, which is renewed on the way. False once it was lost, to somebody who took over
 * from a holder that was silent for too long.
 */
export type IsHeld = () => Promise<boolean>;

/**
 * Does a piece of background work unless it is being done, by this process or by another one on the same database.
 * Returns what it returns, or null if it was not done. Made of ordinary rows and conditional writes, it works behind a
 * pooler and on databases without advisory locks.
 */
export async function withLease<T>(
  db: Db,
  name: string,
  clock: Clock,
  work: (isHeld: IsHeld) => Promise<T>,
): Promise<T | null> {
  const holder = randomUUID();
  if (!(await acquire(db, name, holder, clock.now()))) return null;
  let renewedAt = performance.now();
  const isHeld = async () => {
    if (performance.now() - renewedAt < leaseMs / 3) return true;
    const isStillHeld = await acquire(db, name, holder, clock.now());
    if (isStillHeld) renewedAt = performance.now();
    return isStillHeld;
  };
  try {
    return await work(isHeld);
  } finally {
    await db.lease.deleteMany({ where: { name, holder } });
  }
}

async function acquire(db: Db, name: string, holder: string, now: Date): Promise<boolean> {
  const expiresAt = new Date(now.getTime() + leaseMs);
  const { count } = await db.lease.updateMany({
    where: { name, OR: [{ holder }, { expiresAt: { lte: now } }] },
    data: { holder, expiresAt },
  });
  if (count > 0) return true;
  try {
    await db.lease.create({ data: { name, holder, expiresAt } });
    return true;
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') return false;
    throw error;
  }
}
