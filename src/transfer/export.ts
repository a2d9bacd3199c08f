import type { Db } from '../database/database.ts';
import type { ExportedUser } from './user-record.ts';

const pageSize = 1_000;

/**
 * Yields all users in the order of their creation, page by page. This is not a snapshot: a user who is created or
 * deleted meanwhile may be missing or not, and no user appears twice.
 */
export async function* pagesOfUsers(db: Db, withFactors = false): AsyncGenerator<ExportedUser[]> {
  for (let after = 0n; ; ) {
    const include = { authenticatorApp: withFactors, passkeys: withFactors };
    const where = { id: { gt: after } };
    const users = await db.user.findMany({ where, orderBy: { id: 'asc' }, take: pageSize, include });
    if (users.length > 0) yield users;
    if (users.length < pageSize) return;
    after = users.at(-1)?.id ?? after;
  }
}
