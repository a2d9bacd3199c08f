import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { notSignedIn } from '../errors.ts';
import type { Origin, SessionOrigin } from '../events/record.ts';
import type { Device } from '../sessions/device.ts';
import type { Actor } from '../sessions/end.ts';
import type { RotatedSession, TokenOrigin } from '../sessions/rotate.ts';
import type { Session, SessionWithUser } from '../sessions/session.ts';
import type { StartedSession, Visitor } from '../sessions/start.ts';
import type { User } from '../users/user.ts';
import type { Loaders } from './loaders.ts';

/** The session of a request: what it came with, and what its mutations made of it. */
export type Caller = {
  /** The live session, or null. Mutations of one operation run one after the other and see what the last one left. */
  readonly session: SessionWithUser | null;
  /**
   * Whether the client itself meant to send the request. A browser adds the cookie to requests that another site made
   * it send; only our client knows the anti-CSRF token that goes with it. Computed when it is asked for, which only a
   * mutation needs.
   */
  readonly isCsrfVerified: boolean;
  /** The anti-CSRF token of the session. Null without a session, and for one whose token is a bearer token. */
  readonly antiCSRFToken: string | null;
  /** The hash of the session's token, and how it came. Null without a session. */
  readonly token: TokenOrigin['token'] | null;
  /** What the device is known by if its user has signed in on it, as it says. Null if it says nothing. */
  readonly deviceToken: string | null;
  /** What somebody without an account had in a Blitz.js application before, or null. */
  findVisitor(): Promise<Visitor | null>;
  /** Makes a session that has just started the caller's, and sets its cookies if it travels in one. */
  signIn(started: StartedSession): void;
  /** Takes over what has changed of the caller's own session or, where it is given, its user. */
  update(session: Session, user?: User): void;
  /** Takes over the new token of the caller's own session, and sets its cookie if it travels in one. */
  rotate(rotated: RotatedSession, user?: User): void;
  /** Forgets the session, which has ended, and clears its cookie. */
  signOut(): void;
};

/** What a request tells about itself, beside its credential. */
export type RequestFacts = {
  device: Device;
  /** Whether it carries the key of a trusted service. */
  isService: boolean;
};

/** What resolvers see. They pass plain values on to domain functions, never the context. */
export type Context = {
  database: Database;
  /** For listings that may be a moment behind: a replica where there is one, or the database itself. */
  replica: Database;
  config: Config;
  caller: Caller;
  request: RequestFacts;
  loaders: Loaders;
  now: () => Date;
};

/** The caller in the form in which domain functions decide what it may do, or null without a session. */
export function actorOf({ caller, config }: Pick<Context, 'caller' | 'config'>): Actor | null {
  const { session } = caller;
  if (!session) return null;
  const isAdmin = session.user !== null && config.adminRoles.includes(session.user.role);
  return { session, isAdmin };
}

/** Who does something by this request, and from where, for the record. */
export function originOf({ caller, request }: Pick<Context, 'caller' | 'request'>): Origin {
  return { device: request.device, session: caller.session };
}

/** Somebody who is signed in, and what they do something by. */
export type SignedIn = { user: User; origin: SessionOrigin };

/** @throws RequestError when nobody is signed in. */
export function requireSignedIn({ caller, request }: Pick<Context, 'caller' | 'request'>): SignedIn {
  const { session } = caller;
  if (!session?.user) throw notSignedIn();
  return { user: session.user, origin: { device: request.device, session } };
}

/** The same for what gives the session a new token. @throws RequestError when nobody is signed in. */
export function requireToken(context: Pick<Context, 'caller' | 'request'>): { user: User; origin: TokenOrigin } {
  const { user, origin } = requireSignedIn(context);
  const { token } = context.caller;
  if (!token) throw notSignedIn();
  return { user, origin: { ...origin, token } };
}

/**
 * Whether the caller may see what belongs to this user: the user may, and administrators. A plain function, where a
 * scope of Pothos would do, since it is asked for every object of a list and in every request: the scope alone would
 * take a tenth of the time of a request.
 */
export function maySeeOf(userId: number | null, context: Context): boolean {
  const { session } = context.caller;
  if (session === null || userId === null) return false;
  return session.userId === userId || actorOf(context)?.isAdmin === true;
}
