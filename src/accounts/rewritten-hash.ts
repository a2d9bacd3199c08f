import type { Db } from '../database/database.ts';
import { PasswordChangedError } from '../errors.ts';
import type { User } from '../users/user.ts';

/** Of several who prove a password at once, all but one may find a hash that was rewritten since they checked it. */
const tries = 3;

/**
 * Does something that needs a user's password to be unchanged, once more where it is only the hash that is another one:
 * a login has rewritten it, of the same password. Whether it is of the same one is to be seen by who tries again.
 */
export async function overRewrittenHash<T>(db: Db, user: User, act: (user: User) => Promise<T>): Promise<T> {
  let current = user;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act(current);
    } catch (error) {
      if (!(error instanceof PasswordChangedError) || attempt === tries) throw error;
      const reloaded = await db.user.findUnique({ where: { id: user.id } });
      if (!reloaded) throw error;
      current = reloaded;
    }
  }
}
