import { RequestError } from '../../errors.ts';

/** The prefix of cursors of streams. It tells them from those of connections. */
const form = /^event:(\d{1,19})$/;

/** Returns the cursor of a position in the log of events, in base64url. */
export function toEventCursor(position: bigint): string {
  return Buffer.from(`event:${position}`).toString('base64url');
}

/** Returns the position of a cursor. @throws RequestError for every other text. */
export function parseEventCursor(cursor: string): bigint {
  const [, digits] = form.exec(cursor.length <= 64 ? Buffer.from(cursor, 'base64url').toString() : '') ?? [];
  if (digits !== undefined && toEventCursor(BigInt(digits)) === cursor) return BigInt(digits);
  throw new RequestError('BAD_USER_INPUT', '`after` must be the cursor of a message of this subscription.');
}
