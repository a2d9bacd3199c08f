import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { RequestFacts } from '../log/request-facts.ts';
import { mayReadUsers, type Scope } from '../scope.ts';
import type { RotatedSession } from '../sessions/rotate.ts';
import type { Session } from '../sessions/session.ts';
import type { StartedSession, Visitor } from '../sessions/start.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { StreamEnd, StreamTransport } from '../streams/end.ts';
import type { Streams } from '../streams/streams.ts';
import type { User } from '../users/user.ts';
import type { Loaders } from './loaders.ts';

/** The caller of a request: its scope, and the changes that its mutations make to its session. */
export type Caller = {
  /** The current scope. Mutations of one operation run in order, and each sees the scope after the previous one. */
  readonly scope: Scope;
  /**
   * True if the client itself sent the request. A browser also adds the cookie to requests that another site causes,
   * but only our client knows the anti-CSRF token. Computed on first use, because only mutations need it.
   */
  readonly isCsrfVerified: boolean;
  /** The anti-CSRF token of the session. Null without a session, and for a bearer session. */
  readonly antiCSRFToken: string | null;
  /** True if the client stores a cookie of the answer. False for a browser on a page of another site. */
  readonly storesCookies: boolean;
  /** Returns the data of a visitor without an account from another system, or null. */
  findVisitor(): Promise<Visitor | null>;
  /** Gives the caller a new session, and sets the cookies of a cookie session. */
  signIn(started: StartedSession): void;
  /** Sets the cookie of the device that has begun a challenge, which only that device may answer, until it expires. */
  bindDevice(deviceToken: string, expiresAt: Date): void;
  /** Updates the session of the caller and, if given, its user. */
  update(session: Session, user?: User): void;
  /** Gives the session of the caller its new token, and sets the cookie of a cookie session. */
  rotate(rotated: RotatedSession, user?: User): void;
  /** Removes the ended session of the caller, and clears its cookie. */
  signOut(): void;
};

/** The context of resolvers. They pass the scope and plain values on to domain functions, never the context. */
export type Context = {
  database: Database;
  /** A read replica for lists that may be a moment behind, or the database itself if there is no replica. */
  replica: Database;
  config: Config;
  /** The keys that sign tokens. Null on a server that signs none. */
  signingKeys: SigningKeys | null;
  caller: Caller;
  /** The facts about the request that logs and metrics tell. */
  facts: RequestFacts;
  loaders: Loaders;
  /** The live streams of the server. Null on a server without any. */
  streams: Streams | null;
  /** The connection on which the messages of a subscription go out. Null for a request with a single answer. */
  receiver: Receiver | null;
};

/** A connection that takes the messages of a subscription. */
export type Receiver = {
  transport: StreamTransport;
  /** Is called once, when the stream ends. */
  onEnd: (end: StreamEnd) => void;
};

/**
 * Returns whether the caller may see this user and the sessions of the user: the caller is that user, an administrator,
 * or a service that reads users. An auth scope of Pothos would do the same, but takes a tenth of the time of a request:
 * it runs for every object of a list.
 */
export function canSeeUser(userId: bigint | null, scope: Scope): boolean {
  return isUserOrAdmin(userId, scope) || (userId !== null && mayReadUsers(scope));
}

/** Returns whether the caller is this user or an administrator. */
export function isUserOrAdmin(userId: bigint | null, { session, isAdmin }: Scope): boolean {
  if (session === null || userId === null) return false;
  return session.userId === userId || isAdmin;
}
