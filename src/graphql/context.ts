import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Scope } from '../scope.ts';
import type { RotatedSession } from '../sessions/rotate.ts';
import type { Session } from '../sessions/session.ts';
import type { StartedSession, Visitor } from '../sessions/start.ts';
import type { User } from '../users/user.ts';
import type { Loaders } from './loaders.ts';

/** The caller of a request: its scope, and what its mutations make of its session. */
export type Caller = {
  /** Who asks. Mutations of one operation run one after the other, and each sees what the last one left. */
  readonly scope: Scope;
  /**
   * Whether the client itself meant to send the request. A browser adds the cookie to requests that another site made
   * it send; only our client knows the anti-CSRF token that goes with it. Computed when it is asked for, which only a
   * mutation needs.
   */
  readonly isCsrfVerified: boolean;
  /** The anti-CSRF token of the session. Null without a session, and for one whose token is a bearer token. */
  readonly antiCSRFToken: string | null;
  /** Returns what a visitor without an account had in another system before, or null. */
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

/** What resolvers see. They pass the scope and plain values on to domain functions, never the context. */
export type Context = {
  database: Database;
  /** For listings that may be a moment behind: a replica where there is one, or the database itself. */
  replica: Database;
  config: Config;
  caller: Caller;
  loaders: Loaders;
};

/**
 * Returns whether the caller may see the objects of this user: the user may, and administrators. A plain function,
 * where a scope of Pothos would do, since it is asked for every object of a list and in every request: the scope alone
 * would take a tenth of the time of a request.
 */
export function maySeeOf(userId: number | null, { session, isAdmin }: Scope): boolean {
  if (session === null || userId === null) return false;
  return session.userId === userId || isAdmin;
}
