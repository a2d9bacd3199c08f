import type { BlitzPolicy } from '../config.ts';
import { blitzToken } from './blitz-cookies.ts';
import type { Cookie } from './cookies.ts';
import type { HeaderReader } from './request-facts.ts';

/** What a request shows to prove whose it is. */
export type Credential = {
  transport: 'COOKIE' | 'BEARER';
  token: string;
  /** Whether it came in a cookie that Blitz.js had set, and not this server. */
  isBlitz: boolean;
};

/**
 * The credential of a request, or null. A bearer token is always meant; the cookie comes along by itself, so it
 * counts only where there is no bearer token; and one of Blitz.js, where those are accepted, if there is none of ours.
 */
export function readCredential(headers: HeaderReader, cookie: Cookie, blitz: BlitzPolicy | null): Credential | null {
  const token = bearerToken(headers);
  if (token !== null) return { transport: 'BEARER', token, isBlitz: false };
  const values = cookie.read(headers);
  if (values.length > 0) {
    // Of two cookies with our name, one was planted, from a sibling domain for example. We cannot tell which.
    return { transport: 'COOKIE', token: values.length === 1 ? (values[0] ?? '') : '', isBlitz: false };
  }
  const old = blitz && blitzToken(headers, blitz);
  return old === null ? null : { transport: 'COOKIE', token: old, isBlitz: true };
}

/** The bearer token of a request (RFC 6750 section 2.1), or null. Other schemes hold none. */
export function bearerToken(headers: HeaderReader): string | null {
  return /^bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1] ?? null;
}
