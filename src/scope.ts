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

/** The scopes of service clients (RFC 6749 section 3.3) with their descriptions. A `Scope` is another thing. */
export const serviceScopes = {
  introspect: 'Ask whose session a token opens, at `/oauth/introspect`.',
  'session-data': 'Read and write the private data of sessions, and read their public data at `/oauth/introspect`.',
  'users:read': 'Read every user and session over GraphQL.',
  events: 'Follow the events of all accounts: `adminEvents`, and security events.',
} as const;

export type ServiceScope = keyof typeof serviceScopes;

/** A service that has proved who it is: by the secret of a service client, or by a key of `SERVICE_KEYS`. */
export type Service = {
  name: string;
  /** The client id. Null for a key of `SERVICE_KEYS`. */
  clientId: string | null;
  scopes: ReadonlySet<ServiceScope>;
};

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
  /** The ended session whose token the request presented. Null if it presented none, or one that is not right. */
  readonly endedSession: SessionWithUser | null;
  /** Null without a session. */
  readonly presentedToken: PresentedToken | null;
  /** The device token that the client sent, not yet verified. Null if it sent none. */
  readonly deviceToken: string | null;
  /** The acting user: that of the session, or one who proved to be the user by a link or a password. Null for none. */
  readonly actorId: bigint | null;
  /** Whether the user of the session is an administrator. */
  readonly isAdmin: boolean;
  /** The service that sent the request. Null if the request has no service key. */
  readonly service: Service | null;
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
    endedSession: null,
    presentedToken: null,
    deviceToken: null,
    actorId: null,
    isAdmin: false,
    service: null,
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

/** Returns whether a service sent the request that may follow the events of all accounts. */
export function mayFollowEvents({ service }: Pick<Scope, 'service'>): boolean {
  return service?.scopes.has('events') ?? false;
}

/** Returns whether a service sent the request that may read every user and session. */
export function mayReadUsers({ service }: Scope): boolean {
  return service?.scopes.has('users:read') ?? false;
}
