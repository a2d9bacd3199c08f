import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../database/clock.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { recordEvents } from '../events/record.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { commandScope } from '../scope.ts';
import type { User } from '../users/user.ts';
import { absent, type Batch, divide, type Fresh, findPresent, type ImportBatch, type ImportOutcome } from './import.ts';
import type { UserRecord } from './user-record.ts';

/**
 * Makes the users of batches one after the other. In between, the database is left to others for as long as a batch
 * took: a server whose file it is waits for the batch that is running and for no other.
 */
export function importInTurns(database: Database, clock: Clock): ImportBatch {
  let pauseMs = 0;
  return async (batch) => {
    await sleep(pauseMs);
    const began = performance.now();
    const outcomes = await importBatch(database, batch, clock.now());
    pauseMs = performance.now() - began;
    return outcomes;
  };
}

/**
 * Makes the users of a batch, in one transaction, but those whose address somebody has already: an import that was
 * interrupted can be done again.
 */
export function importBatch(database: Database, batch: Batch, now: Date): Promise<ImportOutcome[]> {
  return inTransaction(database, async (db) => {
    await waitForOthers(db, now);
    const { fresh, outcomes } = divide(batch, await findPresent(db, batch));
    const created = await insertUsers(
      db,
      [...fresh.values()].map(({ record }) => record),
      now,
    );
    const events = created.map(({ id, role }) => ({ type: 'USER_CREATED' as const, userId: id, detail: role }));
    await recordEvents(db, commandScope(now), events);
    return created.length === fresh.size ? outcomes : withoutLate(outcomes, fresh, created);
  });
}

/** Of two imports at once, one waits here for the other's batch: with the same people in another order they deadlock. */
async function waitForOthers(db: Db, now: Date): Promise<void> {
  // The row of the lease stays locked until the transaction ends.
  const lease = { holder: 'import-users', expiresAt: now };
  await db.lease.upsert({ where: { name: 'import-users' }, create: { name: 'import-users', ...lease }, update: lease });
}

type Created = Pick<User, 'id' | 'email' | 'role'>;

/**
 * Inserts the users whose address nobody has, and returns those. In SQL, since Prisma takes five times as long for it,
 * during which an SQLite file is locked, and knows no way to leave out those who have just signed up.
 */
async function insertUsers(db: Db, records: UserRecord[], now: Date): Promise<Created[]> {
  if (records.length === 0) return [];
  const rows = records.map((record) => {
    const user = { ...absent, createdAt: now, ...record };
    const { email, name, role, hashedPassword, emailVerifiedAt, suspendedAt, createdAt } = user;
    const values = [email, name, role, hashedPassword, emailVerifiedAt, suspendedAt, createdAt, now];
    return Prisma.sql`(${Prisma.join(values)})`;
  });
  return db.$queryRaw<Created[]>`
    INSERT INTO "User" (
      "email", "name", "role", "hashedPassword", "emailVerifiedAt", "suspendedAt", "createdAt", "updatedAt"
    ) VALUES ${Prisma.join(rows)} ON CONFLICT ("email") DO NOTHING RETURNING "id", "email", "role"`;
}

/** The outcomes, where some of those who were to be made had signed up a moment before. */
function withoutLate(outcomes: ImportOutcome[], fresh: Fresh, created: Created[]): ImportOutcome[] {
  const made = new Set(created.map(({ email }) => email));
  const late = new Set([...fresh].filter(([email]) => !made.has(email)).map(([, { line }]) => line));
  return outcomes.map((outcome) =>
    late.has(outcome.line) ? { line: outcome.line, kind: 'present', differs: [] } : outcome,
  );
}
