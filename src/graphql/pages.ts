import type { Ids } from '../database/ids.ts';
import { type Cursors, parseCursor } from './node-id.ts';

/** The part of the query of a page that Pothos makes from `first`, `after`, `last` and `before`. */
type PageQuery = { cursor?: unknown; skip?: number; take: number };

type Boundaries = { below: bigint | null; above: bigint | null };

/** Returns the ids between which the rows of a page are. @throws RequestError if a cursor is none of this server. */
function boundariesOf({ after, before }: Cursors, ids: Ids): Boundaries {
  return {
    below: after == null ? null : parseCursor(after, ids),
    above: before == null ? null : parseCursor(before, ids),
  };
}

/**
 * Returns the query of a page of the rows that meet a condition, newest first, which begins after the id of its cursor.
 * The query that Pothos makes finds the row of the cursor and skips the first row of the result. It returns nothing if
 * that row was deleted, and loses a row if that row has left the list: for example a session that has ended since.
 *
 * @throws RequestError if the cursor is none of this server.
 */
export function newestFirst<Query extends PageQuery, Where extends object>(
  query: Query,
  cursors: Cursors,
  ids: Ids,
  where: Where,
) {
  const { cursor: _cursor, skip: _skip, ...page } = query;
  const { below, above } = boundariesOf(cursors, ids);
  const id = { ...(below === null ? {} : { lt: below }), ...(above === null ? {} : { gt: above }) };
  return { ...page, orderBy: { id: 'desc' as const }, where: { AND: [where, { id }] } };
}

/**
 * Returns the rows of the same page from a complete list, newest first.
 *
 * @throws RequestError if the cursor is none of this server.
 */
export function pageOf<Row extends { id: bigint }>(
  rows: readonly Row[],
  { take }: PageQuery,
  cursors: Cursors,
  ids: Ids,
): Row[] {
  const { below, above } = boundariesOf(cursors, ids);
  const within = rows.filter(({ id }) => (below === null || id < below) && (above === null || id > above));
  // As in a query, a negative number takes from the end.
  return take < 0 ? within.slice(take) : within.slice(0, take);
}
