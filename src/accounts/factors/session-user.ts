import type { Db } from '../../database/database.ts';
import { notSignedIn } from '../../errors.ts';
import type { UserScope } from '../../scope.ts';
import { whereLive } from '../../sessions/session.ts';
import { findAndLockUser } from '../../users/lock.ts';
import type { User } from '../../users/user.ts';

/**
 * Locks the signed-in user, in a transaction that changes factors and gives the session no new token. The session must
 * still be live, with the same token: one that was ended meanwhile, as stolen, must not change anything any more.
 *
 * @throws RequestError
 */
export async function lockSessionUser(db: Db, { session, presentedToken, now }: UserScope): Promise<User> {
  const user = await findAndLockUser(db, session.user.id);
  const own = { id: session.id, hashedSessionToken: presentedToken.hashedToken };
  if (user === null || (await db.session.count({ where: { AND: [own, whereLive(now)] } })) === 0) throw notSignedIn();
  return user;
}
