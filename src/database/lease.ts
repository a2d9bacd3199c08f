import { randomUUID } from 'node:crypto';
import { type Repeated, repeat } from '../background.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import type { Clock } from './clock.ts';
import type { Db } from './database.ts';

/** The lifetime of a lease, in milliseconds: the time until another holder takes over from one that died. */
const leaseMs = 30_000;

/**
 * Renews a lease on the way, and returns whether it is still held. False once it was lost: the holder was silent too
 * long, and another one took over.
 */
export type IsHeld = () => Promise<boolean>;

/**
 * Does background work under a lease, unless this process or another one on the same database is doing it. Returns the
 * result of the work, or null if it was not done. A lease needs only ordinary rows and conditional writes, so it works
 * behind a pooler and on databases without advisory locks.
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

/** Work that servers look for again and again, and that one of them does at a time. */
export type LeasedWork = {
  /** The name of the lease. */
  name: string;
  /** The pause between two looks, in milliseconds. */
  pauseMs: number;
  /** Returns whether there is work. Without any, no lease is taken, and nothing is written. */
  hasWork(): Promise<boolean>;
  /** Does the work, for as long as `mayContinue` allows. */
  work(mayContinue: () => Promise<boolean>): Promise<void>;
};

/** Repeats work under a lease in the background, until the server stops. */
export function repeatUnderLease(
  db: Db,
  clock: Clock,
  { name, pauseMs, hasWork, work }: LeasedWork,
  report: (error: unknown) => void,
): Repeated {
  return repeat(
    pauseMs,
    async (isStopping) => {
      if (!(await hasWork())) return;
      await withLease(db, name, clock, (isHeld) => work(async () => !isStopping() && (await isHeld())));
    },
    report,
  );
}

async function acquire(db: Db, name: string, holder: string, now: Date): Promise<boolean> {
  const expiresAt = new Date(now.getTime() + leaseMs);
  // The holder's clock was wrong, or is: no lease lasts as long. Twice its length, because clocks differ a little.
  const tooLate = new Date(now.getTime() + 2 * leaseMs);
  const { count } = await db.lease.updateMany({
    where: { name, OR: [{ holder }, { expiresAt: { lte: now } }, { expiresAt: { gt: tooLate } }] },
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
