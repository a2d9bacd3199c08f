import type { SessionWithUser } from './database/database.ts';
import { notSignedIn } from './errors.ts';
import type { User } from './generated/sqlite/client.ts';

/** The transport of a session token: a cookie, or the `Authorization` header. */
export type Transport = 'COOKIE' | 'BEARER';

/** The client of a request. */
export type ClientInfo = {
  /** The `User-Agent` header. Null if there was none. */
  userAgent: string | null;
  /** The client's IP address, never that of a trusted proxy. Null if it is not known. */
  ipAddress: string | null;
};

/** The session token that opened the session of a request. */
export type PresentedToken = { hashedToken: string; transport: Transport };

/**
 * The caller, the client and the time of a request or command. Made once for each, and again when a request changes its
 * session. Knows no HTTP and no GraphQL.
 */
export type Scope = {
  /** The time of the request, by the clock that all servers share. */
  readonly now: Date;
  readonly client: ClientInfo;
  /** The live session of the request, with its user. Null without one. */
  readonly session: SessionWithUser | null;
  /** Null without a session. */
  readonly presentedToken: PresentedToken | null;
  /** The device token that the client sent, not yet verified. Null if it sent none. */
  readonly deviceToken: string | null;
  /** The acting user: that of the session, or one who proved to be the user by a link or a password. Null for none. */
  readonly actorId: bigint | null;
  /** Whether the user of the session is an administrator. */
  readonly isAdmin: boolean;
  /** Whether the request has the key of a trusted service. */
  readonly isService: boolean;
};

/** The scope of a request with a signed-in user. */
export type UserScope = Scope & {
  readonly session: SessionWithUser & { readonly user: User };
  readonly presentedToken: PresentedToken;
};

export const unknownClient: ClientInfo = { userAgent: null, ipAddress: null };

/** Returns the scope of an operator's command: without client and session. */
export function commandScope(now: Date): Scope {
  return {
    now,
    client: unknownClient,
    session: null,
    presentedToken: null,
    deviceToken: null,
    actorId: null,
    isAdmin: false,
    isService: false,
  };
}

/** Returns the scope with this user as the actor, for any session of the request. */
export function actingAs(scope: Scope, { id }: Pick<User, 'id'>): Scope {
  return { ...scope, actorId: id };
}

/** Narrows a scope to that of a signed-in user. @throws RequestError if no user is signed in. */
export function requireUser(scope: Scope): UserScope {
  const { session, presentedToken } = scope;
  if (!session?.user || !presentedToken) throw notSignedIn();
  return { ...scope, session: { ...session, user: session.user }, presentedToken };
}
