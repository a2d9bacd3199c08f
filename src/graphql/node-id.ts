import type { Database } from '../database/database.ts';
import { largestIds } from '../database/ids.ts';
import { RequestError } from '../errors.ts';

/** The names of the types that implement `Node`. */
export const nodeTypes = [
  'User',
  'Session',
  'AuditEvent',
  'ServiceClient',
  'Revocation',
  'TrustedDevice',
  'Passkey',
  'Webhook',
  'WebhookDelivery',
] as const;

/** A type that implements `Node`. */
export type NodeType = (typeof nodeTypes)[number];

/** The type and the id of a row. */
export type NodeId = { type: NodeType; id: bigint };

type WithIds = Pick<Database, '$largestId'>;

/** In characters of base64: longer than any ID or cursor of this server. */
const maxLength = 100;

/**
 * Returns the global ID of a row, in base64url without padding (RFC 4648, section 5), so that a URL needs no escapes.
 * Names and digits encode to neither `+` nor `/`, so only the padding differs from base64. Pothos would make the same
 * ID, but with a promise for each.
 */
export function toNodeId(type: NodeType, id: bigint): string {
  return btoa(`${type}:${id}`).replaceAll('=', '');
}

/**
 * Returns the type and the row ID that a global ID stands for, or null if it is none, or of no row of the database.
 * Accepts IDs with padding too: version 0.9.0 made them. Rejects every other text, because base64 in Node ignores what it
 * does not know: caches of clients and gateways would take one object for many.
 */
export function parseNodeId(globalId: string, { $largestId }: WithIds): NodeId | null {
  const [, name, digits] = /^([A-Z]\w*):([1-9]\d{0,18})$/.exec(decode(globalId)) ?? [];
  const type = nodeTypes.find((known) => known === name);
  const id = BigInt(digits ?? 0);
  if (type === undefined || id > $largestId()) return null;
  return toNodeId(type, id) === globalId.replace(/={1,2}$/, '') ? { type, id } : null;
}

/** The message for a global ID that is not of a user. */
export const notOfUser = 'An ID is not of a user.';

/** Returns the row ID of a user, who may be deleted. Null for every other text. */
export function userIdOf(globalId: string, database: WithIds): bigint | null {
  const node = parseNodeId(globalId, database);
  return node?.type === 'User' ? node.id : null;
}

/** Returns the same, and refuses every other text. @throws RequestError BAD_USER_INPUT */
export function parseUserId(globalId: string, database: WithIds): bigint {
  const id = userIdOf(globalId, database);
  if (id === null) throw new RequestError('BAD_USER_INPUT', notOfUser);
  return id;
}

/**
 * The cursor of an id: `I`, or `N` as Pothos wrote it while ids had 32 bits. Pothos reads `N` as a number, which holds
 * every such id.
 */
const cursorForm = /^GPC:(?:I:(?<id>[1-9]\d{0,18})|N:(?<smallId>[1-9]\d{0,9}))$/;

export type Cursors = { after?: string | null | undefined; before?: string | null | undefined };

/**
 * Returns the row ID of a cursor. Rejects cursors that this server never issued, before a query is built from them.
 *
 * @throws RequestError
 */
export function parseCursor(cursor: string, { $largestId }: WithIds): bigint {
  const { id, smallId } = cursorForm.exec(decode(cursor))?.groups ?? {};
  const row = BigInt(id ?? smallId ?? 0);
  const isIssued = id ? row <= $largestId() : smallId && row <= largestIds.of32Bits;
  if (!isIssued) throw new RequestError('BAD_USER_INPUT', 'The cursor does not belong to this list.');
  return row;
}

/**
 * Decodes base64 and base64url, with padding or without. Returns an empty string for a text that is too long to be an ID
 * or a cursor.
 */
function decode(base64: string): string {
  return base64.length <= maxLength ? Buffer.from(base64, 'base64').toString() : '';
}
