/** Reads the cookies that Blitz.js set in browsers, so that signed-in users stay signed in. */
import { readCookies } from '../http/request/cookies.ts';
import type { HeaderReader } from '../http/request/headers.ts';
import type { BlitzPolicy } from './config.ts';

/** The maximum number of values of one cookie. No application sets as many on purpose. */
const maxOfOneName = 3;

/** Reads the tokens of users' sessions, grouped by cookie name: each generation of Blitz.js has its own name. */
export function blitzTokens(headers: HeaderReader, policy: BlitzPolicy): string[][] {
  return namesOf('sSessionToken', policy)
    .map((name) => valuesOf(headers, name))
    .filter((tokens) => tokens.length > 0 && tokens.length <= maxOfOneName);
}

/** Returns the values of `Set-Cookie` that delete the cookies of a session from a browser that sent them. */
export function clearBlitzSession(headers: HeaderReader, policy: BlitzPolicy): string[] {
  return ['sSessionToken', 'sAntiCrfToken', 'sAntiCsrfToken', 'sPublicDataToken'].flatMap((name) =>
    cleared(headers, name, policy),
  );
}

const visitorCookie = 'sAnonymousSessionToken';

/** Reads the signed tokens of visitors without an account. */
export function visitorJwts(headers: HeaderReader, policy: BlitzPolicy): string[] {
  return namesOf(visitorCookie, policy).flatMap((name) => valuesOf(headers, name).slice(0, maxOfOneName));
}

/** Returns the values of `Set-Cookie` that delete the cookies of a visitor from a browser that sent them. */
export function clearBlitzVisitor(headers: HeaderReader, policy: BlitzPolicy): string[] {
  return cleared(headers, visitorCookie, policy);
}

/** Returns the names of a cookie in all generations of Blitz.js, the newest first. */
function namesOf(name: string, { cookiePrefixes }: BlitzPolicy): string[] {
  return [...cookiePrefixes.map((prefix) => `${prefix}_${name}`), name];
}

/** Reads the distinct values of all cookies with this name. */
function valuesOf(headers: HeaderReader, name: string): string[] {
  const values = readCookies(headers, name).flatMap((value) => {
    try {
      return decodeURIComponent(value);
    } catch {
      // Blitz.js did not write this value.
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
