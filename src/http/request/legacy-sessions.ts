import type { LegacyTokens } from '../../sessions/resume.ts';
import type { Visitor } from '../../sessions/start.ts';
import type { HeaderReader } from './headers.ts';

/**
 * The sessions that another system started in this database, and that stay valid here. `main.ts` injects those of one
 * system, or null: then only the sessions of this server exist, and a request does no work for others.
 */
export type LegacySessions = LegacyTokens & {
  /** Reads the tokens of users' sessions from the cookies, in groups. At most one token of a group is genuine. */
  readTokens(headers: HeaderReader): string[][];
  /** Finds the data of a visitor without an account there. Null if there is none, or its signature is not valid. */
  findVisitor(headers: HeaderReader): Promise<Visitor | null>;
  /** Returns the values of `Set-Cookie` that delete the cookies of a session from a browser that sent them. */
  clearSession(headers: HeaderReader): string[];
  /** Returns the same for the cookies of a visitor. */
  clearVisitor(headers: HeaderReader): string[];
};
