import type { Db } from '../database/database.ts';
import type { User } from '../users/user.ts';

const pageSize = 1_000;

/**
 * All users in the order in which they were made, page by page. It is no snapshot: who is made or deleted meanwhile may
 * be there or not, and nobody is there twice.
 */
export async function* pagesOfUsers(db: Db): AsyncGenerator<User[]> {
  for (let after = 0; ; ) {
    const users = await db.user.findMany({ where: { id: { gt: after } }, orderBy: { id: 'asc' }, take: pageSize });
    if (users.length > 0) yield users;
    if (users.length < pageSize) return;
    after = users.at(-1)?.id ?? after;
  }
}
