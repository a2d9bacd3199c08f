import { fromShell, recordEvents } from '../audit/record.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { ValidationError } from '../errors.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { defaultRole, type User } from './user.ts';
import { parseUserRecord, type UserRecord } from './user-record.ts';

/** A line of a file, counted from 1, or why it cannot be read. */
export type Line = { number: number; text: string } | { number: number; problem: string };

/** What became of a line. */
export type ImportOutcome = { line: number } & (
  | { kind: 'imported' }
  /** Somebody has the address already, and was left as they are; `differs` names the fields that say otherwise. */
  | { kind: 'present'; differs: string[] }
  | { kind: 'refused'; reason: string }
);

export type Batch = { line: number; record: UserRecord }[];

/** Does something with the users of some lines, and says what became of each. */
export type ImportBatch = (batch: Batch) => Promise<ImportOutcome[]>;

/** How many users one transaction makes: enough for its cost to be small, few enough not to keep others waiting. */
const batchSize = 500;

/** Imports users line by line, in batches, whatever is wrong with other lines. Blank lines are nothing. */
export async function* importUsers(
  lines: AsyncIterable<Line>,
  importBatch: ImportBatch,
): AsyncGenerator<ImportOutcome> {
  let batch: Batch = [];
  for await (const line of lines) {
    if ('text' in line && line.text.trim() === '') continue;
    const read = readLine(line);
    if ('kind' in read) yield read;
    else batch.push(read);
    if (batch.length < batchSize) continue;
    yield* await importBatch(batch);
    batch = [];
  }
  if (batch.length > 0) yield* await importBatch(batch);
}

function readLine(line: Line): Batch[number] | ImportOutcome {
  if ('problem' in line) return { line: line.number, kind: 'refused', reason: line.problem };
  try {
    return { line: line.number, record: parseUserRecord(line.text) };
  } catch (error) {
    if (error instanceof ValidationError) return { line: line.number, kind: 'refused', reason: error.message };
    throw error;
  }
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
    await recordEvents(db, events, fromShell, now);
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

/**
 * Says what would become of batches, and writes nothing. It keeps the addresses that it has seen, to know them again.
 *
 * @param db - null where there is no database yet
 */
export function rehearsal(db: Db | null): ImportBatch {
  const seen = new Set<string>();
  return async (batch) => {
    const present = db === null ? new Map() : await findPresent(db, batch);
    const { fresh, outcomes } = divide(batch, present, seen);
    for (const email of fresh.keys()) seen.add(email);
    return outcomes;
  };
}

/** What somebody is of whom a line says nothing else. */
const absent = { name: null, role: defaultRole, hashedPassword: null, emailVerifiedAt: null, suspendedAt: null };

async function findPresent(db: Db, batch: Batch): Promise<Map<string, User>> {
  const users = await db.user.findMany({ where: { email: { in: batch.map(({ record }) => record.email) } } });
  return new Map(users.map((user) => [user.email, user]));
}

/** Those of a batch who are to be made, by their address. */
type Fresh = Map<string, Batch[number]>;

/** Those of a batch whose address nobody has, and what becomes of each line. Of two with one address, the first. */
function divide(batch: Batch, present: ReadonlyMap<string, User>, seen: ReadonlySet<string> = new Set()) {
  const fresh: Fresh = new Map();
  const outcomes = batch.map(({ line, record }): ImportOutcome => {
    const before = present.get(record.email) ?? fresh.get(record.email)?.record;
    if (before) return { line, kind: 'present', differs: differences(record, before) };
    if (seen.has(record.email)) return { line, kind: 'present', differs: [] };
    fresh.set(record.email, { line, record });
    return { line, kind: 'imported' };
  });
  return { fresh, outcomes };
}

/** The fields of a record that say something else than what is there. */
function differences(record: UserRecord, there: UserRecord): string[] {
  const before = { ...absent, ...there };
  const names = Object.keys(record) as (keyof UserRecord)[];
  return names.filter((name) => comparable(record[name]) !== comparable(before[name]));
}

function comparable(value: UserRecord[keyof UserRecord]) {
  return value instanceof Date ? value.getTime() : value;
}
