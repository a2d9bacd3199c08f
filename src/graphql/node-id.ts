import { RequestError } from '../errors.ts';

const nodeTypes = ['User', 'Session', 'AuditEvent'] as const;

/** A type that implements `Node`. */
export type NodeType = (typeof nodeTypes)[number];

/** The largest id that either database can give out. */
const largestId = 2n ** 63n - 1n;

/** In characters of base64: longer than any ID or cursor of this server. */
const maxLength = 100;

/** Returns the global ID of a row. Pothos makes the same one, but with a promise for each. */
export function toNodeId(type: NodeType, id: bigint): string {
  return btoa(`${type}:${id}`);
}

/** Returns the type and the row ID that a global ID stands for, or null if this server never issued it. */
export function parseNodeId(globalId: string): { type: NodeType; id: bigint } | null {
  const [, name, digits] = /^([A-Z]\w*):([1-9]\d{0,18})$/.exec(decode(globalId)) ?? [];
  const type = nodeTypes.find((known) => known === name);
  const id = BigInt(digits ?? 0);
  return type !== undefined && id <= largestId ? { type, id } : null;
}

/**
 * The cursor of an id: `I`, or `N` as Pothos wrote it while ids had 32 bits. Pothos reads `N` as a number, which holds
 * every such id.
 */
const cursorForm = /^GPC:(?:I:(?<id>[1-9]\d{0,18})|N:(?<smallId>[1-9]\d{0,9}))$/;
const largestSmallId = 2n ** 31n - 1n;

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
    const { id, smallId } = cursorForm.exec(decode(cursor))?.groups ?? {};
    const isIssued = id ? BigInt(id) <= largestId : smallId && BigInt(smallId) <= largestSmallId;
    if (!isIssued) throw new RequestError('BAD_USER_INPUT', 'The cursor does not belong to this list.');
  }
}

/** Decodes base64. Returns an empty string for a text that is too long to be an ID or a cursor. */
function decode(base64: string): string {
  return base64.length <= maxLength ? Buffer.from(base64, 'base64').toString() : '';
}
