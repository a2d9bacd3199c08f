/** The progress of the receivers that poll: the events that each has acknowledged. */
import type { Database, Db } from '../database/database.ts';
import { settledId } from '../database/ids.ts';
import { inTransaction } from '../database/transaction.ts';
import { type EventReceiver, Prisma } from '../generated/sqlite/client.ts';

/** An event by its id, or a place between events. All events up to it are done at this time. */
export type Place = { id: bigint; at: Date };

export type Receiver = {
  clientId: string;
  /** Every event up to here is acknowledged, or has no security event. */
  done: Place;
  /** The acknowledged events after `done`. */
  acknowledged: ReadonlySet<bigint>;
};

/**
 * The maximum number of acknowledged events after the first one that is not. It bounds the row of a receiver that leaves
 * out an event: it then gets no others until it acknowledges that one.
 */
export const maxAhead = 1_000;

/**
 * Returns the progress of a service client. Its first poll begins at the end of the log: it gets the events from then
 * on.
 */
export async function openReceiver(database: Database, clientId: string, now: Date): Promise<Receiver> {
  const row = await database.eventReceiver.findUnique({ where: { clientId } });
  return toReceiver(row ?? (await createReceiver(database, clientId, now)));
}

async function createReceiver(database: Database, clientId: string, now: Date): Promise<EventReceiver> {
  const acknowledgedId = await settledId(database, 'AuditEvent');
  const data = { clientId, createdAt: now, acknowledgedAt: now, acknowledgedId, acknowledgedAbove: null };
  return database.eventReceiver.create({ data }).catch((error) => {
    // Another poll of the client was faster.
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') throw error;
    return database.eventReceiver.findUniqueOrThrow({ where: { clientId } });
  });
}

function toReceiver({ clientId, acknowledgedId, acknowledgedAt, acknowledgedAbove }: EventReceiver): Receiver {
  const ids = acknowledgedAbove?.split(' ').map(BigInt) ?? [];
  return { clientId, done: { id: acknowledgedId, at: acknowledgedAt }, acknowledged: new Set(ids) };
}

/**
 * Stores acknowledged events, and the place up to which all are done. Never moves that place back: several polls of a
 * client may run at once, on several servers. Does nothing for a client that was deleted meanwhile.
 */
export function saveProgress(
  database: Database,
  clientId: string,
  { done, acknowledged }: Omit<Receiver, 'clientId'>,
): Promise<void> {
  return inTransaction(database, async (db) => {
    const before = await lockReceiver(db, clientId);
    if (!before) return;
    const id = before.done.id > done.id ? before.done.id : done.id;
    const at = before.done.at > done.at ? before.done.at : done.at;
    const above = [...new Set([...before.acknowledged, ...acknowledged])].filter((one) => one > id);
    above.sort((one, other) => (one < other ? -1 : 1));
    const data = {
      acknowledgedId: id,
      acknowledgedAt: at,
      acknowledgedAbove: above.slice(0, maxAhead).join(' ') || null,
    };
    await db.eventReceiver.updateMany({ where: { clientId }, data });
  });
}

/** Locks the row of a receiver until the transaction ends, by a write that changes nothing. Null if it is gone. */
async function lockReceiver(db: Db, clientId: string): Promise<Receiver | null> {
  const [row] = await db.eventReceiver.updateManyAndReturn({ where: { clientId }, data: { clientId } });
  return row ? toReceiver(row) : null;
}
