import type { Db } from '../database/database.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { OperatorError, ValidationError } from '../errors.ts';
import { secretOf } from '../factors/authenticator-app.ts';
import { defaultRole } from '../users/user.ts';
import { readUsername } from '../users/username.ts';
import { requireUsableKeys } from './passkey-records.ts';
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
    const read = await readLine(line);
    if ('kind' in read) yield read;
    else batch.push(read);
    if (batch.length < batchSize) continue;
    yield* await importBatch(batch);
    batch = [];
  }
  if (batch.length > 0) yield* await importBatch(batch);
}

async function readLine(line: Line): Promise<Batch[number] | ImportOutcome> {
  if ('problem' in line) return { line: line.number, kind: 'refused', reason: line.problem };
  try {
    const record = parseUserRecord(line.text);
    await requireUsableKeys(record.passkeys ?? []);
    return { line: line.number, record };
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
 * @param keys - null, the default, on a server without encryption keys
 */
export function dryRunImport(db: Db | null, keys: EncryptionKeys | null = null): ImportBatch {
  const seen = new Set<string>();
  const seenPasskeys = new Set<string>();
  return async (batch) => {
    requireKeysFor(batch, keys);
    const present = db === null ? nobody : await findPresent(db, batch, keys);
    const taken = db === null ? [] : await findTakenPasskeys(db, batch);
    for (const id of taken) seenPasskeys.add(id);
    const { fresh, outcomes } = divide(batch, present, seen, seenPasskeys);
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
  totp: null,
  passkeys: [],
  secondFactorSince: null,
};

/**
 * Requires the keys that encrypt the secrets of a batch.
 *
 * @throws OperatorError, which ends the import before the batch: nobody should have to repeat every line of a file.
 */
export function requireKeysFor(batch: Batch, keys: EncryptionKeys | null): void {
  const line = batch.find(({ record }) => record.totp != null)?.line;
  if (keys !== null || line === undefined) return;
  throw new OperatorError(
    `Line ${line} has totp, but ENCRYPTION_KEYS is not set: the secrets of authenticator apps are stored encrypted. ` +
      'Set the keys of the server, and repeat the import.',
  );
}

/**
 * The users with an address of a batch, by it, as lines with the same fields would have them, and the keys of its
 * usernames that users have.
 */
export type Present = { users: ReadonlyMap<string, UserRecord>; usernames: ReadonlySet<string> };

const nobody: Present = { users: new Map(), usernames: new Set() };

export async function findPresent(db: Db, batch: Batch, keys: EncryptionKeys | null): Promise<Present> {
  const emails = batch.map(({ record }) => record.email);
  const usernameKeys = batch.flatMap(({ record }) => usernameKeyOf(record) ?? []);
  const where = { OR: [{ email: { in: emails } }, { usernameKey: { in: usernameKeys } }] };
  const has = (field: keyof UserRecord) => batch.some(({ record }) => field in record);
  const include = { authenticatorApp: has('totp'), passkeys: has('passkeys') };
  const users = await db.user.findMany({ where, include });
  const records = users.map(({ authenticatorApp: app, ...user }) => {
    // Without keys, no line of the batch has a secret: it differs from any.
    const totp = app && (keys ? secretOf(keys, app) : '');
    return [user.email, { ...user, totp: totp ?? null }] as const;
  });
  return {
    users: new Map(records),
    usernames: new Set(users.flatMap(({ usernameKey }) => usernameKey ?? [])),
  };
}

/** Returns the ids of the passkeys of a batch that an account has already. */
export async function findTakenPasskeys(db: Db, batch: Batch): Promise<string[]> {
  const ids = batch.flatMap(({ record }) => record.passkeys?.map(({ credentialId }) => credentialId) ?? []);
  if (ids.length === 0) return [];
  const taken = await db.passkey.findMany({ where: { credentialId: { in: ids } }, select: { credentialId: true } });
  return taken.map(({ credentialId }) => credentialId);
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
 * address, or with one username, the first counts. A line with a passkey that another user has is refused.
 *
 * @param passkeys - the ids of passkeys that users have. Those of the batch are added
 */
export function divide(
  batch: Batch,
  present: Present,
  seen: ReadonlySet<string> = new Set(),
  passkeys: Set<string> = new Set(),
) {
  const fresh: Fresh = new Map();
  const usernames = new Set(present.usernames);
  const outcomes = batch.map(({ line, record }): ImportOutcome => {
    const before = present.users.get(record.email) ?? fresh.get(record.email)?.record;
    if (before) return { line, kind: 'present', differs: differences(record, before) };
    if (seen.has(record.email)) return { line, kind: 'present', differs: [] };
    const key = usernameKeyOf(record);
    if (key !== null && (usernames.has(key) || seen.has(key))) return usernameTaken(line);
    const ids = record.passkeys?.map(({ credentialId }) => credentialId) ?? [];
    const isTaken = ids.some((id) => passkeys.has(id)) || new Set(ids).size < ids.length;
    if (isTaken) return { line, kind: 'refused', reason: 'passkeys has one that a user has already.' };
    for (const id of ids) passkeys.add(id);
    if (key !== null) usernames.add(key);
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
  if (Array.isArray(value))
    return value
      .map(({ credentialId, publicKey }) => `${credentialId} ${publicKey}`)
      .sort()
      .join();
  return value instanceof Date ? value.getTime() : value;
}
