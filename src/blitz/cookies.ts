/** The cookies that Blitz.js gave to browsers, so that whoever was signed in stays so. */
import { readCookies } from '../http/request/cookies.ts';
import type { HeaderReader } from '../http/request/headers.ts';
import type { BlitzPolicy } from './config.ts';

/** No browser has more cookies of one name that anybody meant. */
const maxOfOneName = 3;

/** Reads the tokens of users' sessions, grouped by the name of the cookie: a browser may have one a generation. */
export function blitzTokens(headers: HeaderReader, policy: BlitzPolicy): string[][] {
  return namesOf('sSessionToken', policy)
    .map((name) => valuesOf(headers, name))
    .filter((tokens) => tokens.length > 0 && tokens.length <= maxOfOneName);
}

/** Returns the values of `Set-Cookie` that take the cookies of a session from a browser that has them. */
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

/** Returns the values of `Set-Cookie` that take these tokens from a browser that has them. */
export function clearBlitzVisitor(headers: HeaderReader, policy: BlitzPolicy): string[] {
  return cleared(headers, visitorCookie, policy);
}

/** Returns what a cookie is called in each generation, the newest first. */
function namesOf(name: string, { cookiePrefixes }: BlitzPolicy): string[] {
  return [...cookiePrefixes.map((prefix) => `${prefix}_${name}`), name];
}

/** Reads the different values of all cookies with this name. */
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
