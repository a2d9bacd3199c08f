import { RequestError } from '../errors.ts';

/** Prisma's Int. */
const largestId = 2 ** 31 - 1;

type NodeId = { type: string; id: number };

/** The global id of a row: what Pothos makes of it too, which would take a promise for each. */
export function toNodeId(type: 'User' | 'Session', id: number): string {
  return btoa(`${type}:${id}`);
}

/** What a global id stands for, or null if it is none that this server gave out. */
export function parseNodeId(globalId: string): NodeId | null {
  const [, type, digits] = /^([A-Z]\w*):([1-9]\d{0,9})$/.exec(Buffer.from(globalId, 'base64').toString()) ?? [];
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
    const [, digits] = /^GPC:N:([1-9]\d{0,9})$/.exec(Buffer.from(cursor, 'base64').toString()) ?? [];
    if (!(Number(digits) <= largestId)) throw new RequestError('BAD_USER_INPUT', 'This is no cursor of this list.');
  }
}
