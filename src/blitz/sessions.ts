import type { Environment } from '../config/variables.ts';
import type { LegacySessions } from '../http/request/legacy-sessions.ts';
import { type BlitzPolicy, readBlitzPolicy } from './config.ts';
import { blitzTokens, clearBlitzSession, clearBlitzVisitor } from './cookies.ts';
import { blitzHandleOf } from './tokens.ts';
import { findBlitzVisitor } from './visitor.ts';

/** Reads the configuration of Blitz.js sessions, and returns them. Null if they are not accepted. */
export function readBlitzSessions(environment: Environment): LegacySessions | null {
  const policy = readBlitzPolicy(environment);
  return policy && blitzSessions(policy);
}

/** Returns the sessions that a Blitz.js application started, for this server to resume. */
export function blitzSessions(policy: BlitzPolicy): LegacySessions {
  return {
    handleOf: blitzHandleOf,
    // Blitz.js gave such tokens to users only. So the user of a session without one was deleted.
    isEnded: ({ user }) => user === null,
    readTokens: (headers) => blitzTokens(headers, policy),
    findVisitor: (headers) => findBlitzVisitor(headers, policy),
    clearSession: (headers) => clearBlitzSession(headers, policy),
    clearVisitor: (headers) => clearBlitzVisitor(headers, policy),
  };
}
