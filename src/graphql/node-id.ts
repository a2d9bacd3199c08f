import { RequestError } from '../errors.ts';

/** Prisma's Int. */
const largestId = 2 ** 31 - 1;

/** Longer than any id or cursor that this server gave out, in characters of base64. */
const maxLength = 100;

type NodeId = { type: string; id: number };

/** The global id of a row: what Pothos makes of it too, which would take a promise for each. */
export function toNodeId(type: 'User' | 'Session', id: number): string {
  return btoa(`${type}:${id}`);
}

/** What a global id stands for, or null if it is none that this server gave out. */
export function parseNodeId(globalId: string): NodeId | null {
  const [, type, digits] = /^([A-Z]\w*):([1-9]\d{0,9})$/.exec(decode(globalId)) ?? [];
  const id = Number(digits);
  return type !== undefined && id <= largestId ? { type, id } : null;
}

/**
 * Makes sure that cursors are ones of this server, before a query is made of them.
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
    if (!(Number(digits) <= largestId)) throw new RequestError('BAD_USER_INPUT', 'This is no cursor of this list.');
  }
}

/** What base64 stands for, or nothing where it is too long to be looked at. */
function decode(base64: string): string {
  return base64.length <= maxLength ? Buffer.from(base64, 'base64').toString() : '';
}
