import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../database/clock.ts';
import type { Database, Db } from '../database/database.ts';
import { run, toId } from '../database/raw-sql.ts';
import { inTransaction } from '../database/transaction.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { recordEvents } from '../events/record.ts';
import { type AddedApp, addAuthenticatorApps } from '../factors/authenticator-app.ts';
import type { NewPasskey } from '../factors/passkeys/passkey.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { commandScope } from '../scope.ts';
import type { User } from '../users/user.ts';
import {
  absent,
  type Batch,
  divide,
  type Fresh,
  findPresent,
  findTakenPasskeys,
  type ImportBatch,
  type ImportOutcome,
  requireKeysFor,
  usernameKeyOf,
  usernameTaken,
} from './import.ts';
import type { UserRecord } from './user-record.ts';

/**
 * Returns an importer that creates the users of batches one after the other. It pauses between batches for as long as a
 * batch took, so that a server on the same file waits for the running batch only.
 */
export function importInTurns(database: Database, clock: Clock, keys: EncryptionKeys | null): ImportBatch {
  let pauseMs = 0;
  return async (batch) => {
    await sleep(pauseMs);
    const began = performance.now();
    const outcomes = await importBatch(database, batch, clock.now(), keys);
    pauseMs = performance.now() - began;
    return outcomes;
  };
}

/**
 * Creates the users of a batch in one transaction, except those whose address or username is taken. So an interrupted
 * import can be repeated.
 */
export async function importBatch(
  database: Database,
  batch: Batch,
  now: Date,
  keys: EncryptionKeys | null = null,
): Promise<ImportOutcome[]> {
  requireKeysFor(batch, keys);
  return inTransaction(database, async (db) => {
    await waitForOthers(db, now);
    const [present, taken] = [await findPresent(db, batch, keys), await findTakenPasskeys(db, batch)];
    const { fresh, outcomes } = divide(batch, present, new Set(), new Set(taken));
    const created = await insertUsers(
      db,
      [...fresh.values()].map(({ record }) => record),
      now,
    );
    const apps = appsOf(created, fresh);
    if (keys !== null && apps.length > 0) await addAuthenticatorApps(db, keys, apps, now);
    const passkeys = passkeysOf(created, fresh, now);
    if (passkeys.length > 0) await db.passkey.createMany({ data: passkeys });
    await recordEvents(db, commandScope(now), [
      ...created.map(({ id, role }) => ({ type: 'USER_CREATED' as const, userId: id, detail: role })),
      ...apps.map(({ userId }) => ({ type: 'FACTOR_ADDED' as const, userId, detail: 'TOTP' })),
      ...passkeys.map(({ userId }) => ({ type: 'FACTOR_ADDED' as const, userId, detail: 'PASSKEY' })),
    ]);
    return created.length === fresh.size ? outcomes : withoutLate(db, outcomes, fresh, created);
  });
}

/**
 * Lets one of two concurrent imports wait for the other's batch: with the same people in another order they deadlock.
 */
async function waitForOthers(db: Db, now: Date): Promise<void> {
  // The row of the lease stays locked until the transaction ends.
  const lease = { holder: 'import-users', expiresAt: now };
  await db.lease.upsert({ where: { name: 'import-users' }, create: { name: 'import-users', ...lease }, update: lease });
}

type Created = Pick<User, 'id' | 'email' | 'role'>;

/**
 * Inserts the users whose address and username are free, and returns them. This is SQL because Prisma takes five times
 * as long, while an SQLite file is locked, and cannot skip users who have just signed up.
 */
async function insertUsers(db: Db, records: UserRecord[], now: Date): Promise<Created[]> {
  if (records.length === 0) return [];
  const rows = records.map((record) => {
    const user = { ...absent, createdAt: now, ...record };
    const { email, name, username, role, hashedPassword, emailVerifiedAt, suspendedAt, createdAt } = user;
    const since = user.secondFactorSince ?? (user.totp === null ? null : now);
    const names = [email, name, username, usernameKeyOf(record)];
    const values = [...names, role, hashedPassword, emailVerifiedAt, suspendedAt, since, createdAt, now];
    return Prisma.sql`(${Prisma.join(values)})`;
  });
  const created = await run(
    db,
    Prisma.sql`INSERT INTO "User" (
        "email", "name", "username", "usernameKey", "role", "hashedPassword", "emailVerifiedAt", "suspendedAt",
        "secondFactorSince", "createdAt", "updatedAt"
      ) VALUES ${Prisma.join(rows)} ON CONFLICT DO NOTHING RETURNING "id", "email", "role"`,
  );
  return created.map(([id, email, role]) => ({ id: toId(id), email: String(email), role: String(role) }));
}

/** Returns the apps of users who were created. */
function appsOf(created: Created[], fresh: Fresh): AddedApp[] {
  return created.flatMap(({ id, email }) => {
    const secret = fresh.get(email)?.record.totp ?? null;
    return secret === null ? [] : [{ userId: id, secret }];
  });
}

/** Returns the passkeys of users who were created. */
function passkeysOf(created: Created[], fresh: Fresh, now: Date): (NewPasskey & { createdAt: Date })[] {
  return created.flatMap(({ id, email }) =>
    (fresh.get(email)?.record.passkeys ?? []).map(({ createdAt, ...passkey }) => {
      return { ...passkey, userId: id, createdAt: createdAt ?? now };
    }),
  );
}

/** Returns the results after users with some of the addresses or usernames had signed up a moment before. */
async function withoutLate(
  db: Db,
  outcomes: ImportOutcome[],
  fresh: Fresh,
  created: Created[],
): Promise<ImportOutcome[]> {
  const made = new Set(created.map(({ email }) => email));
  const late = new Map<number, ImportOutcome>();
  for (const { line, record } of fresh.values()) {
    const { email } = record;
    if (made.has(email)) continue;
    const isPresent = usernameKeyOf(record) === null || (await db.user.findUnique({ where: { email } })) !== null;
    late.set(line, isPresent ? { line, kind: 'present', differs: [] } : usernameTaken(line));
  }
  return outcomes.map((outcome) => late.get(outcome.line) ?? outcome);
}
