import { RequestError } from '../errors.ts';

const nodeTypes = ['User', 'Session', 'AuditEvent'] as const;

/** A type that implements `Node`. */
export type NodeType = (typeof nodeTypes)[number];

/** The largest value of Prisma's `Int`. */
const largestId = 2 ** 31 - 1;

/** In characters of base64: longer than any ID or cursor of this server. */
const maxLength = 100;

/** Returns the global ID of a row. Pothos makes the same one, but with a promise for each. */
export function toNodeId(type: NodeType, id: number): string {
  return btoa(`${type}:${id}`);
}

/** Returns the type and the row ID that a global ID stands for, or null if this server never issued it. */
export function parseNodeId(globalId: string): { type: NodeType; id: number } | null {
  const [, name, digits] = /^([A-Z]\w*):([1-9]\d{0,9})$/.exec(decode(globalId)) ?? [];
  const type = nodeTypes.find((known) => known === name);
  const id = Number(digits);
  return type !== undefined && id <= largestId ? { type, id } : null;
}

/**
 * Rejects cursors that this server never issued, before a query is built from them.
 *
 * @throws RequestError
 */
export function requireCursors({
  after,
  before,
}: {
  after?: string | null | undefined;
  before?: string | null | undefined;
}): void {
  for (const cursor of [after, before]) {
    if (cursor == null) continue;
    const [, digits] = /^GPC:N:([1-9]\d{0,9})$/.exec(decode(cursor)) ?? [];
    if (!(Number(digits) <= largestId))
      throw new RequestError('BAD_USER_INPUT', 'The cursor does not belong to this list.');
  }
}

/** Decodes base64. Returns an empty string for a text that is too long to be an ID or a cursor. */
function decode(base64: string): string {
  return base64.length <= maxLength ? Buffer.from(base64, 'base64').toString() : '';
}
