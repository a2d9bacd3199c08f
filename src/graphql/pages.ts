import type { Ids } from '../database/ids.ts';
import { type Cursors, parseCursor } from './node-id.ts';

/** The part of the query of a page that Pothos makes from `first`, `after`, `last` and `before`. */
type PageQuery = { cursor?: unknown; skip?: number; take: number };

/**
 * Returns the query of a page of rows, newest first, which begins after the id of its cursor. The query that Pothos
 * makes finds the row of the cursor and skips the first row of the result. It returns nothing if that row was deleted,
 * and loses a row if that row has left the list: for example a session that has ended since.
 *
 * @throws RequestError if the cursor is none of this server.
 */
export function newestFirst<Query extends PageQuery>(query: Query, { after, before }: Cursors, ids: Ids) {
  const { cursor: _cursor, skip: _skip, ...page } = query;
  const [below, above] = [after, before].map((cursor) => (cursor == null ? null : parseCursor(cursor, ids)));
  const id = { ...(below == null ? {} : { lt: below }), ...(above == null ? {} : { gt: above }) };
  return { ...page, orderBy: { id: 'desc' as const }, where: { id } };
}
