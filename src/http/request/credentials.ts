import type { SessionCookie } from './cookies.ts';
import type { HeaderReader } from './headers.ts';
import type { LegacySessions } from './legacy-sessions.ts';

/** A session token in a request. */
export type Credential = {
  transport: 'COOKIE' | 'BEARER';
  token: string;
  /** Whether it came in a cookie of another system, or in our cookie from before it had a domain. */
  isLegacy: boolean;
};

/**
 * Returns the credentials of a request in groups, in the order in which they are tried. The first group with a
 * credential that opens a session decides. If two of that group open one, neither counts: one of them was planted.
 *
 * A client always means its bearer token. Browsers add cookies to every request, so a cookie counts only without a
 * bearer token. Our cookie from before it had a domain comes after the one with it. Cookies of another system, if they
 * are accepted, come after ours. Our cookie with a token of that system is a copy: an application that still runs there
 * may have signed in another user since, so its own cookies come first then.
 */
export function readCredentials(
  headers: HeaderReader,
  cookie: SessionCookie,
  legacy: LegacySessions | null,
): Credential[][] {
  const token = bearerToken(headers);
  if (token !== null) return [[{ transport: 'BEARER', token, isLegacy: false }]];
  const current = ownCredentials(cookie.read(headers), false);
  const ours = [...current, ...ownCredentials(cookie.readHostOnly(headers), true)];
  if (legacy === null) return ours;
  const copy = current[0]?.[0]?.token;
  const old = legacy
    .readTokens(headers)
    .map((tokens) => tokens.map((one): Credential => ({ transport: 'COOKIE', token: one, isLegacy: one !== copy })));
  const hasCopy = ours.flat().some((one) => legacy.handleOf(one.token) !== null);
  return hasCopy ? [...old, ...ours] : [...ours, ...old];
}

function ownCredentials(values: string[], isLegacy: boolean): Credential[][] {
  if (values.length === 0) return [];
  // One of two cookies with our name was planted, for example from a sibling domain. Nothing tells which.
  return [[{ transport: 'COOKIE', token: values.length === 1 ? (values[0] ?? '') : '', isLegacy }]];
}

/** Returns the bearer token of a request (RFC 6750 section 2.1). Null without one, and for other schemes. */
function bearerToken(headers: HeaderReader): string | null {
  return /^bearer +([^ \t]+) *$/i.exec(headers.get('authorization') ?? '')?.[1] ?? null;
}
