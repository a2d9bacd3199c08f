import type { LegacyTokens } from '../../sessions/resume.ts';
import type { Visitor } from '../../sessions/start.ts';
import type { HeaderReader } from './headers.ts';

/**
 * Knows the sessions that another system started in this database, and that go on here. `main.ts` injects those of one
 * system, or none: then only the sessions of this server exist, and a request does nothing for others.
 */
export type LegacySessions = LegacyTokens & {
  /** Reads the tokens of users' sessions from the cookies. Those of one group rival each other: at most one is real. */
  readTokens(headers: HeaderReader): string[][];
  /** Finds what a visitor without an account had there. Null for whoever had nothing, and for what is not proved. */
  findVisitor(headers: HeaderReader): Promise<Visitor | null>;
  /** Returns the values of `Set-Cookie` that take the cookies of a session from a browser that has them. */
  clearSession(headers: HeaderReader): string[];
  /** Returns the same for what a visitor had. */
  clearVisitor(headers: HeaderReader): string[];
};
