import type { SessionPolicy } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { insert } from '../database/raw-sql.ts';
import { startedSessions } from '../diagnostics.ts';
import type { Scope, Transport } from '../scope.ts';
import type { NewToken } from '../tokens/token.ts';
import type { User } from '../users/user.ts';
import type { DataColumn } from './data.ts';
import { expiryOf, lifetimeEndsAtOf, unusedExpiryOf } from './expiry.ts';
import { type Proof, type StoredProofs, storedProofs } from './proof.ts';
import type { Session, SessionWithUser } from './session.ts';

/** A session to store: that of a user, with a proof, or that of a visitor, without one. */
export type NewSession = NewToken &
  Pick<Session, DataColumn> & { transport: Transport; isRemembered: boolean } & (
    | { user: User; proof: Proof }
    | { user: null; proof: null }
  );

const noProofs: StoredProofs = { authenticatedAt: null, authenticationMethods: null, proofs: null };

/**
 * Stores a session. Only the modules that start sessions may import this: `completeSignIn` starts the session of a
 * user.
 */
export async function createSession(
  db: Db,
  { client, now }: Scope,
  { user, proof, handle, hashedToken, transport, isRemembered, publicData, privateData }: NewSession,
  policy: SessionPolicy,
): Promise<SessionWithUser> {
  const lifetimeEndsAt = lifetimeEndsAtOf(isRemembered, now, policy);
  const row = {
    handle,
    hashedSessionToken: hashedToken,
    replacedHashedToken: null,
    endedHashedToken: null,
    transport,
    antiCSRFToken: null,
    endReason: null,
    createdAt: now,
    updatedAt: now,
    lastSeenAt: now,
    expiresAt: user === null ? unusedExpiryOf(now, policy) : expiryOf({ createdAt: now, lifetimeEndsAt }, now, policy),
    lifetimeEndsAt,
    ...(proof === null ? noProofs : storedProofs(proof)),
    publicData,
    privateData,
    ...client,
    userId: user?.id ?? null,
  };
  const id = await insert(db, 'Session', row);
  startedSessions.publish({ hasUser: user !== null });
  return { id, ...row, user };
}
