import type { Database } from '../database/database.ts';
import { largestIds } from '../database/ids.ts';
import { RequestError } from '../errors.ts';

const nodeTypes = ['User', 'Session', 'AuditEvent', 'ServiceClient'] as const;

/** A type that implements `Node`. */
export type NodeType = (typeof nodeTypes)[number];

/** The type and the id of a row. */
export type NodeId = { type: NodeType; id: bigint };

type WithIds = Pick<Database, '$largestId'>;

/** In characters of base64: longer than any ID or cursor of this server. */
const maxLength = 100;

/** Returns the global ID of a row. Pothos makes the same one, but with a promise for each. */
export function toNodeId(type: NodeType, id: bigint): string {
  return btoa(`${type}:${id}`);
}

/** Returns the type and the row ID that a global ID stands for, or null if it is none, or of no row of the database. */
export function parseNodeId(globalId: string, { $largestId }: WithIds): NodeId | null {
  const [, name, digits] = /^([A-Z]\w*):([1-9]\d{0,18})$/.exec(decode(globalId)) ?? [];
  const type = nodeTypes.find((known) => known === name);
  const id = BigInt(digits ?? 0);
  return type !== undefined && id <= $largestId() ? { type, id } : null;
}

/**
 * The cursor of an id: `I`, or `N` as Pothos wrote it while ids had 32 bits. Pothos reads `N` as a number, which holds
 * every such id.
 */
const cursorForm = /^GPC:(?:I:(?<id>[1-9]\d{0,18})|N:(?<smallId>[1-9]\d{0,9}))$/;

type Cursors = { after?: string | null | undefined; before?: string | null | undefined };

/**
 * Rejects cursors that this server never issued, before a query is built from them.
 *
 * @throws RequestError
 */
export function requireCursors({ after, before }: Cursors, { $largestId }: WithIds): void {
  for (const cursor of [after, before]) {
    if (cursor == null) continue;
    const { id, smallId } = cursorForm.exec(decode(cursor))?.groups ?? {};
    const isIssued = id ? BigInt(id) <= $largestId() : smallId && BigInt(smallId) <= largestIds.of32Bits;
    if (!isIssued) throw new RequestError('BAD_USER_INPUT', 'The cursor does not belong to this list.');
  }
}

/** Decodes base64. Returns an empty string for a text that is too long to be an ID or a cursor. */
function decode(base64: string): string {
  return base64.length <= maxLength ? Buffer.from(base64, 'base64').toString() : '';
}
