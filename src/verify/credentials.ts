import { checkDefaultName, defaultCookieName, readCookies } from './cookies.ts';
import type { HeaderReader } from './headers.ts';

/** In bytes. The server rejects longer tokens too. */
const maxTokenBytes = 4_096;

/** Where the session cookie is. */
export type CookiePolicy = {
  /** The name of the cookie. Null if only bearer tokens count. */
  name: string | null;
  /** Whether the name is only derived from the URL of the server. */
  isDefault: boolean;
};

/** Returns the policy for an option `cookieName`. */
export function cookiePolicy(url: URL, name: string | null | undefined): CookiePolicy {
  return name === undefined ? { name: defaultCookieName(url), isDefault: true } : { name, isDefault: false };
}

/**
 * Returns the session token of a request, as the server itself would read it: the bearer token if there is one, and the
 * cookie only without it. Null without a token, with two cookies, and for a token that is too long for this server.
 *
 * @throws VerifierMisconfigured if the cookie has another name than the default one.
 */
export function readToken(headers: HeaderReader, cookie: CookiePolicy): string | null {
  const token = readBearerToken(headers) ?? readCookieToken(headers, cookie);
  if (!token || token.length > maxTokenBytes) return null;
  return new TextEncoder().encode(token).length > maxTokenBytes ? null : token;
}

/** Returns the bearer token of a request (RFC 6750 section 2.1). Null without one, and for other schemes. */
export function readBearerToken(headers: HeaderReader): string | null {
  return /^bearer +([^ \t]+) *$/i.exec(headers.get('authorization') ?? '')?.[1] ?? null;
}

function readCookieToken(headers: HeaderReader, { name, isDefault }: CookiePolicy): string | null {
  if (name === null) return null;
  if (isDefault) checkDefaultName(headers, name);
  const [value, ...others] = readCookies(headers, name);
  // One of two cookies was planted, for example from a sibling domain. Nothing tells which.
  return others.length === 0 ? (value ?? null) : null;
}
