import type { Environment } from '../config/variables.ts';
import type { LegacySessions } from '../http/request/legacy-sessions.ts';
import { type BlitzPolicy, readBlitzPolicy } from './config.ts';
import { blitzTokens, clearBlitzSession, clearBlitzVisitor } from './cookies.ts';
import { blitzHandleOf } from './tokens.ts';
import { findBlitzVisitor } from './visitor.ts';

/** Reads whether sessions of Blitz.js go on here, and returns them. Null where they do not. */
export function readBlitzSessions(environment: Environment): LegacySessions | null {
  const policy = readBlitzPolicy(environment);
  return policy && blitzSessions(policy);
}

/** Returns the sessions that a Blitz.js application started, as this server goes on with them. */
export function blitzSessions(policy: BlitzPolicy): LegacySessions {
  return {
    handleOf: blitzHandleOf,
    // Blitz.js gave such tokens to users only: somebody who had one and has no user any more was deleted.
    isEnded: ({ user }) => user === null,
    readTokens: (headers) => blitzTokens(headers, policy),
    findVisitor: (headers) => findBlitzVisitor(headers, policy),
    clearSession: (headers) => clearBlitzSession(headers, policy),
    clearVisitor: (headers) => clearBlitzVisitor(headers, policy),
  };
}
