import type { Database } from '../database/database.ts';
import type { Statements } from '../database/raw-sql.ts';
import { inTransaction } from '../database/transaction.ts';
import { SessionNotFoundError, ValidationError } from '../errors.ts';
import { recordEvent, recordEvents } from '../events/record.ts';
import { isObject, parseObject } from '../json.ts';
import type { Scope } from '../scope.ts';
import { type Session, whereLive } from './session.ts';

/** The data of a session: a JSON object, stored as text. */
export type SessionData = Record<string, unknown>;

/** The columns for data: the client may read and write `publicData`; `privateData` is for trusted services. */
export type DataColumn = 'publicData' | 'privateData';

/** In bytes of JSON text. Every request reads its session, so sessions are no place for documents. */
export const maxDataBytes = 16 * 1024;

const maxDepth = 20;

/** Keys by which careless code reaches properties that all objects share (prototype pollution). */
const dangerousKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** Keys of facts that only the server states. Applications may have read them in the public data of another system. */
const serverKeys = new Set(['userId', 'role', 'roles']);

/** Returns the object in a column, or null if there is none: text that another program wrote need not be JSON. */
export function parseData(text: string | null): SessionData | null {
  return text === null ? null : parseObject(text);
}

/**
 * Merges the data of a visitor for the session of the user who logs in, without the keys that only the server sets. The
 * last value of a key wins. Returns JSON text, or null if no key is left.
 */
export function visitorDataToKeep(...texts: (string | null)[]): string | null {
  const all = texts.flatMap((text) => Object.entries(parseData(text) ?? {}));
  const data = all.filter(([key]) => !serverKeys.has(key));
  return data.length === 0 ? null : JSON.stringify(Object.fromEntries(data));
}

/**
 * Merges keys into the data of a live session, and returns the changed session. A value of null removes its key.
 * Records an event for private data, and for public data of a user's session that changes. Concurrent merges are both kept: the first statement of the transaction locks the
 * row until the merge is written.
 *
 * @throws ValidationError if the data is not valid, or the merged data is too large.
 * @throws SessionNotFoundError if the session does not exist or is not live any more.
 */
export function mergeData(
  database: Database,
  scope: Scope,
  { id, column, data }: { id: bigint; column: DataColumn; data: unknown },
): Promise<Session> {
  const { now } = scope;
  const changes = requireValidData(data, column);
  return inTransaction(database, async (db) => {
    const [session] = await db.session.updateManyAndReturn({
      where: { id, ...whereLive(now) },
      data: { updatedAt: now },
    });
    if (!session) throw new SessionNotFoundError();
    if (column === 'privateData') await recordPrivateDataAccess(db, scope, [session], 'PRIVATE_DATA_CHANGED');
    const text = textWithChanges(session[column], changes);
    if (column === 'publicData' && session.userId !== null && text !== session.publicData) {
      await recordEvent(db, scope, { type: 'PUBLIC_DATA_CHANGED', userId: session.userId });
    }
    return db.session.update({ where: { id }, data: { [column]: text } });
  });
}

/** Records that a service read or changed the private data of sessions. */
export function recordPrivateDataAccess(
  db: Statements,
  scope: Scope,
  sessions: readonly Session[],
  type: 'PRIVATE_DATA_READ' | 'PRIVATE_DATA_CHANGED',
): Promise<void> {
  const detail = scope.service?.name ?? null;
  const events = sessions.map(({ userId, handle }) => ({ type, userId, actorId: null, sessionHandle: handle, detail }));
  return recordEvents(db, scope, events);
}

/**
 * Returns the data, as JSON text, with the changes merged in. A value of null removes its key.
 *
 * @throws ValidationError if the merged data is too large.
 */
export function textWithChanges(before: string | null, changes: SessionData): string {
  const merged = { ...parseData(before), ...changes };
  const text = JSON.stringify(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)));
  const bytes = Buffer.byteLength(text);
  if (bytes > maxDataBytes) throw refusal(`The data would have ${bytes} bytes. At most ${maxDataBytes} are allowed.`);
  return text;
}

/**
 * Returns the data if it is valid: a JSON object that can be stored exactly, without reserved or dangerous keys.
 *
 * @throws ValidationError
 */
export function requireValidData(data: unknown, column: DataColumn): SessionData {
  if (!isObject(data)) throw refusal('The data must be a JSON object.');
  const problem = problemOf(data, 1);
  if (problem !== null) throw refusal(problem);
  const reserved = column === 'publicData' ? Object.keys(data).find((key) => serverKeys.has(key)) : undefined;
  if (reserved !== undefined) throw refusal(`Only the server sets the key ${reserved}.`);
  return data;
}

function problemOf(value: unknown, depth: number): string | null {
  if (depth > maxDepth) return `The data is nested more than ${maxDepth} levels deep.`;
  if (typeof value === 'string') return isStorable(value) ? null : 'The data contains a NUL or a lone surrogate.';
  // JSON allows numbers that JavaScript cannot hold: it would silently store another number.
  if (typeof value === 'number' && !(Number.isFinite(value) && (value % 1 !== 0 || Number.isSafeInteger(value)))) {
    return 'The data contains a number that cannot be stored exactly. Send it as a string.';
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    if (dangerousKeys.has(key)) return `The data contains the forbidden key ${key}.`;
    const problem = isStorable(key) ? problemOf(item, depth + 1) : 'A key contains a NUL or a lone surrogate.';
    if (problem !== null) return problem;
  }
  return null;
}

/**
 * Returns whether the database can store a text unchanged. PostgreSQL refuses NUL, and would silently store a lone
 * surrogate as another character.
 */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

function refusal(message: string): ValidationError {
  return new ValidationError([{ path: ['data'], message }]);
}
