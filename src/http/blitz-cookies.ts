/** The cookies that Blitz.js gave to browsers, so that whoever was signed in stays so. */
import type { BlitzPolicy } from '../config.ts';
import type { Visitor } from '../sessions/start.ts';
import { readCookies } from './cookies.ts';
import type { HeaderReader } from './request-facts.ts';

/** The token of a user's session, or null. Of several, from several generations of the application, the first counts. */
export function blitzToken(headers: HeaderReader, policy: BlitzPolicy): string | null {
  return readBlitzCookie(headers, 'sSessionToken', policy);
}

/**
 * What a visitor without an account had, as the old secret proves: the handle of their row, and what was public. Null
 * for whoever had nothing, and for what is not proved.
 */
export async function findBlitzVisitor(headers: HeaderReader, policy: BlitzPolicy): Promise<Visitor | null> {
  const jwt = readBlitzCookie(headers, 'sAnonymousSessionToken', policy);
  if (jwt === null || policy.secret === null) return null;
  // Few servers need it, and those only while old sessions live.
  const { jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify(jwt, new TextEncoder().encode(policy.secret), { algorithms: ['HS256'] });
    const { isAnonymous, handle, publicData } = (payload.blitzjs ?? {}) as Record<string, unknown>;
    if (isAnonymous !== true || typeof handle !== 'string' || !handle.endsWith(':ajwt')) return null;
    return { handle, publicData: JSON.stringify(publicData ?? null) };
  } catch {
    return null;
  }
}

function readBlitzCookie(headers: HeaderReader, name: string, { cookiePrefixes }: BlitzPolicy): string | null {
  for (const prefix of ['', ...cookiePrefixes.map((one) => `${one}_`)]) {
    const [value] = readCookies(headers, prefix + name);
    if (value === undefined) continue;
    try {
      return decodeURIComponent(value);
    } catch {
      // What is no value that Blitz.js wrote holds nothing.
    }
  }
  return null;
}
