import type { Db } from '../database/database.ts';
import { ValidationError } from '../errors.ts';
import { defaultRole, type User } from '../users/user.ts';
import { readUsername } from '../users/username.ts';
import { parseUserRecord, type UserRecord } from './user-record.ts';

/** A line of a file, counted from 1, or the reason why it cannot be read. */
export type Line = { number: number; text: string } | { number: number; problem: string };

/** The result of a line. */
export type ImportOutcome = { line: number } & (
  | { kind: 'imported' }
  /** A user with this address exists and stays unchanged. `differs` names the fields whose values differ. */
  | { kind: 'present'; differs: string[] }
  | { kind: 'refused'; reason: string }
);

export type Batch = { line: number; record: UserRecord }[];

/** Processes the users of some lines, and returns the result of each line. */
export type ImportBatch = (batch: Batch) => Promise<ImportOutcome[]>;

/** The number of users per transaction. It blocks others for some hundredths of a second on SQLite. */
const batchSize = 200;

/** Imports users line by line, in batches. An invalid line does not stop the others. Blank lines are skipped. */
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
 * Returns a dry run, which reports the result of batches and writes nothing. It remembers the addresses and the
 * usernames that it has seen, to recognise repetitions.
 *
 * @param db - null if there is no database yet
 */
export function dryRunImport(db: Db | null): ImportBatch {
  const seen = new Set<string>();
  return async (batch) => {
    const present = db === null ? nobody : await findPresent(db, batch);
    const { fresh, outcomes } = divide(batch, present, seen);
    for (const { record } of fresh.values()) for (const name of namesOf(record)) seen.add(name);
    return outcomes;
  };
}

/** The defaults for fields that a line leaves out. */
export const absent = {
  name: null,
  username: null,
  role: defaultRole,
  hashedPassword: null,
  emailVerifiedAt: null,
  suspendedAt: null,
};

/** The users with an address of a batch, by it, and the keys of its usernames that users have. */
export type Present = { users: ReadonlyMap<string, User>; usernames: ReadonlySet<string> };

const nobody: Present = { users: new Map(), usernames: new Set() };

export async function findPresent(db: Db, batch: Batch): Promise<Present> {
  const emails = batch.map(({ record }) => record.email);
  const keys = batch.flatMap(({ record }) => usernameKeyOf(record) ?? []);
  const users = await db.user.findMany({ where: { OR: [{ email: { in: emails } }, { usernameKey: { in: keys } }] } });
  return {
    users: new Map(users.map((user) => [user.email, user])),
    usernames: new Set(users.flatMap(({ usernameKey }) => usernameKey ?? [])),
  };
}

/** Returns the key of the username of a record, or null if it has none. */
export function usernameKeyOf({ username }: UserRecord): string | null {
  return username == null ? null : (readUsername(username)?.key ?? null);
}

/** Returns the names that no second user may have. No username looks like an address. */
function namesOf(record: UserRecord): string[] {
  const key = usernameKeyOf(record);
  return key === null ? [record.email] : [record.email, key];
}

/** Returns the result of a line whose username another user has. */
export function usernameTaken(line: number): ImportOutcome {
  return { line, kind: 'refused', reason: 'username is taken by another user.' };
}

/** The users of a batch to create, by their address. */
export type Fresh = Map<string, Batch[number]>;

/**
 * Returns the users of a batch whose address and username are free, and the result of each line. Of two with one
 * address, or with one username, the first counts.
 */
export function divide(batch: Batch, present: Present, seen: ReadonlySet<string> = new Set()) {
  const fresh: Fresh = new Map();
  const usernames = new Set(present.usernames);
  const outcomes = batch.map(({ line, record }): ImportOutcome => {
    const before = present.users.get(record.email) ?? fresh.get(record.email)?.record;
    if (before) return { line, kind: 'present', differs: differences(record, before) };
    if (seen.has(record.email)) return { line, kind: 'present', differs: [] };
    const key = usernameKeyOf(record);
    if (key !== null) {
      if (usernames.has(key) || seen.has(key)) return usernameTaken(line);
      usernames.add(key);
    }
    fresh.set(record.email, { line, record });
    return { line, kind: 'imported' };
  });
  return { fresh, outcomes };
}

/** Returns the names of the fields whose values differ from the existing user. */
function differences(record: UserRecord, there: UserRecord): string[] {
  const before = { ...absent, ...there };
  const names = Object.keys(record) as (keyof UserRecord)[];
  return names.filter((name) => comparable(record[name]) !== comparable(before[name]));
}

function comparable(value: UserRecord[keyof UserRecord]) {
  return value instanceof Date ? value.getTime() : value;
}
