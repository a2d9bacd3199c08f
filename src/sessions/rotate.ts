import type { Db } from '../database/database.ts';
import { tokenReplaced } from '../errors.ts';
import type { UserScope } from '../scope.ts';
import { createSessionToken, equalSecrets, ownHandleOf } from '../tokens/token.ts';
import { type Proof, proofsOf, storedProofs } from './proof.ts';
import { type Session, whereLive } from './session.ts';

/** A session with its new token. The token exists only here and at the client. */
export type RotatedSession = { session: Session; token: string };

/**
 * Replaces the token of a session after its user has given a new proof, and writes the proof. The old token is
 * rejected from then on (OWASP ASVS 5.0, 7.2.4). A session that another system started also gets a handle of our form.
 * Returns null if the session is not live any more.
 *
 * @throws RequestError if another request has replaced the token since: of two concurrent rotations, one wins.
 */
export async function rotateToken(
  db: Db,
  { session: own, presentedToken, now }: UserScope,
  methods: Proof['methods'],
): Promise<RotatedSession | null> {
  const { id, user } = own;
  const next = createSessionToken(ownHandleOf(own.handle));
  const [session] = await db.session.updateManyAndReturn({
    where: { AND: [{ id, userId: user.id, hashedSessionToken: presentedToken.hashedToken }, whereLive(now)] },
    data: {
      handle: next.handle,
      hashedSessionToken: next.hashedToken,
      replacedHashedToken: presentedToken.hashedToken,
      transport: presentedToken.transport,
      antiCSRFToken: null,
      ...storedProofs({ methods, at: now }, proofsOf(own)),
    },
  });
  if (session) return { session, token: next.token };
  const live = await db.session.findFirst({ where: { id, ...whereLive(now) } });
  if (live && live.hashedSessionToken !== presentedToken.hashedToken) throw tokenReplaced();
  return null;
}

/** The time that a request with the old token may take to arrive: equal to `requestTimeout` in `http/server.ts`. */
const maxArrivalMs = 10_000;

/**
 * Returns whether the last rotation replaced the token with this hash, so recently that the client may have sent it
 * before it received the new one.
 */
export function isJustReplaced(session: Session, hashedToken: string, now: Date): boolean {
  const { replacedHashedToken, authenticatedAt } = session;
  if (!equalSecrets(hashedToken, replacedHashedToken) || authenticatedAt === null) return false;
  return now.getTime() - authenticatedAt.getTime() < maxArrivalMs;
}
