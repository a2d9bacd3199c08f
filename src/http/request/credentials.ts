import type { Cookie } from './cookies.ts';
import type { HeaderReader } from './headers.ts';
import type { LegacySessions } from './legacy-sessions.ts';

/** What a request shows to prove whose it is. */
export type Credential = {
  transport: 'COOKIE' | 'BEARER';
  token: string;
  /** Whether it came in a cookie that another system had set, and not this server. */
  isLegacy: boolean;
};

/**
 * The credentials of a request, of which the first that opens a session counts; of those in one place, two that do
 * count for nothing, since one was planted.
 *
 * A bearer token is always meant. The cookie comes along by itself, so it counts only where there is no bearer token;
 * and those of another system, where they are accepted, come after ours. One of ours that holds a token of that system
 * is a copy: an application that still runs there may have signed somebody in since, so its own cookies come first.
 */
export function readCredentials(headers: HeaderReader, cookie: Cookie, legacy: LegacySessions | null): Credential[][] {
  const token = bearerToken(headers);
  if (token !== null) return [[{ transport: 'BEARER', token, isLegacy: false }]];
  const ours = ownCredentials(cookie.read(headers));
  if (legacy === null) return ours;
  const copy = ours[0]?.[0]?.token;
  const old = legacy
    .readTokens(headers)
    .map((tokens) => tokens.map((one): Credential => ({ transport: 'COOKIE', token: one, isLegacy: one !== copy })));
  return copy !== undefined && legacy.handleOf(copy) !== null ? [...old, ...ours] : [...ours, ...old];
}

function ownCredentials(values: string[]): Credential[][] {
  if (values.length === 0) return [];
  // Of two cookies with our name, one was planted, from a sibling domain for example. We cannot tell which.
  return [[{ transport: 'COOKIE', token: values.length === 1 ? (values[0] ?? '') : '', isLegacy: false }]];
}

/** The bearer token of a request (RFC 6750 section 2.1), or null. Other schemes hold none. */
function bearerToken(headers: HeaderReader): string | null {
  return /^bearer +([^ \t]+) *$/i.exec(headers.get('authorization') ?? '')?.[1] ?? null;
}
