/** The cookies that Blitz.js gave to browsers, so that whoever was signed in stays so. */
import type { BlitzPolicy } from '../config/config.ts';
import type { Visitor } from '../sessions/start.ts';
import { blitzHandleOf } from '../tokens/token.ts';
import { readCookies } from './request/cookies.ts';
import type { HeaderReader } from './request/headers.ts';
import type { LegacySessions } from './request/legacy-sessions.ts';

/** Returns the sessions that a Blitz.js application started, as this server goes on with them. */
export function blitzSessions(policy: BlitzPolicy): LegacySessions {
  return {
    handleOf: blitzHandleOf,
    // Blitz.js gave such tokens to users only: somebody who had one and has no user any more was deleted.
    isOver: ({ user }) => user === null,
    readTokens: (headers) => blitzTokens(headers, policy),
    findVisitor: (headers) => findBlitzVisitor(headers, policy),
    clearSession: (headers) => clearBlitzSession(headers, policy),
    clearVisitor: (headers) => clearBlitzVisitor(headers, policy),
  };
}

/** No browser has more cookies of one name that anybody meant. */
const maxOfOneName = 3;

/** The tokens of users' sessions, by the name of their cookie: a browser may have one of each generation. */
function blitzTokens(headers: HeaderReader, policy: BlitzPolicy): string[][] {
  return namesOf('sSessionToken', policy)
    .map((name) => valuesOf(headers, name))
    .filter((tokens) => tokens.length > 0 && tokens.length <= maxOfOneName);
}

/** The values of `Set-Cookie` that take the cookies of a session from a browser that has them. */
function clearBlitzSession(headers: HeaderReader, policy: BlitzPolicy): string[] {
  return ['sSessionToken', 'sAntiCrfToken', 'sAntiCsrfToken', 'sPublicDataToken'].flatMap((name) =>
    cleared(headers, name, policy),
  );
}

/** The same for what a visitor had. */
function clearBlitzVisitor(headers: HeaderReader, policy: BlitzPolicy): string[] {
  return cleared(headers, visitorCookie, policy);
}

const visitorCookie = 'sAnonymousSessionToken';

/**
 * What a visitor without an account had, as the old secret proves: the handle of their row, and what was public. Null
 * for whoever had nothing, and for what is not proved.
 */
async function findBlitzVisitor(headers: HeaderReader, policy: BlitzPolicy): Promise<Visitor | null> {
  if (policy.secret === null) return null;
  const key = new TextEncoder().encode(policy.secret);
  for (const name of namesOf(visitorCookie, policy)) {
    for (const jwt of valuesOf(headers, name).slice(0, maxOfOneName)) {
      const visitor = await visitorOf(jwt, key);
      if (visitor) return visitor;
    }
  }
  return null;
}

async function visitorOf(jwt: string, key: Uint8Array): Promise<Visitor | null> {
  // Few servers need it, and those only while old sessions live.
  const { jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify(jwt, key, { algorithms: ['HS256'] });
    const { isAnonymous, handle, publicData } = (payload.blitzjs ?? {}) as Record<string, unknown>;
    if (isAnonymous !== true || typeof handle !== 'string' || !handle.endsWith(':ajwt')) return null;
    return { handle, publicData: JSON.stringify(publicData ?? null) };
  } catch {
    return null;
  }
}

/** What a cookie is called in each generation, the newest first. */
function namesOf(name: string, { cookiePrefixes }: BlitzPolicy): string[] {
  return [...cookiePrefixes.map((prefix) => `${prefix}_${name}`), name];
}

/** The different values of all cookies with this name. */
function valuesOf(headers: HeaderReader, name: string): string[] {
  const values = readCookies(headers, name).flatMap((value) => {
    try {
      return decodeURIComponent(value);
    } catch {
      // What is no value that Blitz.js wrote holds nothing.
      return [];
    }
  });
  return [...new Set(values)];
}

function cleared(headers: HeaderReader, name: string, policy: BlitzPolicy): string[] {
  return namesOf(name, policy)
    .filter((one) => readCookies(headers, one).length > 0)
    .map((one) => `${one}=; Max-Age=0; Path=/`);
}
