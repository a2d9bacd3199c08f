import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { SessionNotFoundError, ValidationError } from '../errors.ts';
import { type Session, whereLive } from './session.ts';

/** The data of a session: a JSON object, kept as text. */
export type SessionData = Record<string, unknown>;

/** The two places for data: the one that the client may read and write, and the one for trusted services. */
export type DataColumn = 'publicData' | 'privateData';

/** In bytes of JSON text. A session is read with every request, and is no place for documents. */
export const maxDataBytes = 16 * 1024;

const maxDepth = 20;

/** Names by which code that handles objects without care reaches what belongs to all of them. */
const dangerousKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** What only the server says of a session. Applications may have read them in the public data of another system. */
const serverKeys = new Set(['userId', 'role', 'roles']);

/** The object that a column holds, or null if it holds none: text that another program wrote need not be JSON. */
export function parseData(text: string | null): SessionData | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is SessionData {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What of a visitor's data goes on in the session of the user who logs in, where a key was set twice as it was last.
 * Null if that is nothing.
 */
export function carriedOver(...texts: (string | null)[]): string | null {
  const all = texts.flatMap((text) => Object.entries(parseData(text) ?? {}));
  const data = all.filter(([key]) => !serverKeys.has(key));
  return data.length === 0 ? null : JSON.stringify(Object.fromEntries(data));
}

/**
 * Merges keys into the data of a live session, and returns the session as it is then. A value of null removes its
 * key. Of two merges at once neither is lost: the first write locks the row until the second one is done.
 *
 * @throws ValidationError for data that may not be stored, or that makes it too large.
 * @throws SessionNotFoundError where there is no such live session (any more).
 */
export function mergeData(
  database: Database,
  id: bigint,
  { column, data }: { column: DataColumn; data: unknown },
  now: Date,
): Promise<Session> {
  const changes = checkedData(data, column);
  return inTransaction(database, async (db) => {
    const [session] = await db.session.updateManyAndReturn({
      where: { id, ...whereLive(now) },
      data: { updatedAt: now },
    });
    if (!session) throw new SessionNotFoundError();
    return db.session.update({ where: { id }, data: { [column]: mergedText(session[column], changes) } });
  });
}

/**
 * The text of the data with the changes in it.
 *
 * @throws ValidationError if that is too large.
 */
export function mergedText(before: string | null, changes: SessionData): string {
  const merged = { ...parseData(before), ...changes };
  const text = JSON.stringify(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)));
  const bytes = Buffer.byteLength(text);
  if (bytes > maxDataBytes) throw refusal(`The data would have ${bytes} bytes, and may have ${maxDataBytes}.`);
  return text;
}

/** @throws ValidationError for data that may not be stored. */
export function checkedData(data: unknown, column: DataColumn): SessionData {
  if (!isObject(data)) throw refusal('The data must be a JSON object.');
  const problem = problemOf(data, 1);
  if (problem !== null) throw refusal(problem);
  const reserved = column === 'publicData' ? Object.keys(data).find((key) => serverKeys.has(key)) : undefined;
  if (reserved !== undefined) throw refusal(`The key ${reserved} is for the server to set.`);
  return data;
}

function problemOf(value: unknown, depth: number): string | null {
  if (depth > maxDepth) return `The data is nested more than ${maxDepth} levels deep.`;
  if (typeof value === 'string') return isStorable(value) ? null : 'The data has a NUL or a lone surrogate in it.';
  // JSON has larger numbers than JavaScript, which would store others for them without a word.
  if (typeof value === 'number' && !(Number.isFinite(value) && (value % 1 !== 0 || Number.isSafeInteger(value)))) {
    return 'The data has a number that cannot be kept exactly. Send it as a text.';
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    if (dangerousKeys.has(key)) return `The data has the key ${key}, which is refused.`;
    const problem = isStorable(key) ? problemOf(item, depth + 1) : 'A key has a NUL or a lone surrogate in it.';
    if (problem !== null) return problem;
  }
  return null;
}

/** PostgreSQL refuses NUL, and would quietly store a lone surrogate as another character. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

function refusal(message: string): ValidationError {
  return new ValidationError([{ path: ['data'], message }]);
}
