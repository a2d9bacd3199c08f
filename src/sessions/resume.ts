import type { Db } from '../database/database.ts';
import { isLive, type SessionWithUser } from './session.ts';
import { equalSecrets, handleOf, hashToken } from './token.ts';

/**
 * The live session that a token opens, or null: a damaged, unknown, ended or expired token is simply no session.
 *
 * The row is found by the handle, which is no secret, and the secret is compared in constant time; looking a hash up
 * in an index would not be.
 */
export async function resumeSession(db: Db, token: string, now: Date): Promise<SessionWithUser | null> {
  const handle = handleOf(token);
  if (handle === null) return null;
  const session = await db.session.findUnique({ where: { handle }, include: { user: true } });
  if (!session || !isLive(session, now)) return null;
  return equalSecrets(hashToken(token), session.hashedSessionToken) ? session : null;
}
