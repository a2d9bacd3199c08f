import type { Db } from '../database/database.ts';
import { tokenReplaced } from '../errors.ts';
import type { UserScope } from '../scope.ts';
import { createToken, equalSecrets, ownHandleOf } from '../tokens/token.ts';
import { withMethod } from './proof.ts';
import { type Session, whereLive } from './session.ts';

/** A session with its new token, which exists only here and at its client. */
export type RotatedSession = { session: Session; token: string };

/**
 * Gives a session whose user has just proved the password a new token, and rejects the one that the request came with
 * from then on (OWASP ASVS 5.0, 7.2.4). A session that another system started also gets a handle of our form.
 * Returns null if the session is not live any more.
 *
 * @throws RequestError where another request has replaced the token meanwhile: of two rotations at once, one wins.
 */
export async function rotateToken(
  db: Db,
  { session: { id, user, handle, authenticationMethods }, presentedToken, now }: UserScope,
): Promise<RotatedSession | null> {
  const next = createToken(ownHandleOf(handle));
  const [session] = await db.session.updateManyAndReturn({
    where: { AND: [{ id, userId: user.id, hashedSessionToken: presentedToken.hashedToken }, whereLive(now)] },
    data: {
      handle: next.handle,
      hashedSessionToken: next.hashedToken,
      replacedHashedToken: presentedToken.hashedToken,
      transport: presentedToken.transport,
      antiCSRFToken: null,
      authenticatedAt: now,
      authenticationMethods: withMethod(authenticationMethods, 'password'),
    },
  });
  if (session) return { session, token: next.token };
  const live = await db.session.findFirst({ where: { id, ...whereLive(now) } });
  if (live && live.hashedSessionToken !== presentedToken.hashedToken) throw tokenReplaced();
  return null;
}

/** How long a request that was sent with the old token may take to arrive: `requestTimeout` in `http/server.ts`. */
const maxArrivalMs = 10_000;

/**
 * Returns whether this is the hash of the token that the last rotation replaced, so short a time ago that the client may
 * have sent it before it had the new one.
 */
export function isJustReplaced(session: Session, hashedToken: string, now: Date): boolean {
  const { replacedHashedToken, authenticatedAt } = session;
  if (!equalSecrets(hashedToken, replacedHashedToken) || authenticatedAt === null) return false;
  return now.getTime() - authenticatedAt.getTime() < maxArrivalMs;
}
