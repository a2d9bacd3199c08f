import { isIP } from 'node:net';
import type { Config } from '../../config/config.ts';
import type { HeaderReader } from './headers.ts';
import { isWhitespace, stripWhitespace } from './whitespace.ts';

/**
 * Returns the values of all cookies with this name. Only SP and HTAB are stripped (RFC 6265bis section 5.6): browsers
 * protect the prefix `__Host-` of a name, and a name with another byte before the prefix is not protected.
 */
export function readCookies(headers: HeaderReader, name: string): string[] {
  const header = headers.get('cookie') ?? '';
  const start = `${name}=`;
  const values: string[] = [];
  for (let at = header.indexOf(start); at !== -1; at = header.indexOf(start, at + 1)) {
    if (!beginsPair(header, at)) continue;
    const end = header.indexOf(';', at);
    const pair = header.slice(at, end === -1 ? header.length : end);
    values.push(stripWhitespace(pair).slice(start.length));
  }
  return values;
}

/** Returns whether only whitespace lies between this place and the pair before. */
function beginsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isWhitespace(header[before])) before -= 1;
  return before < 0 || header[before] === ';';
}

/** A cookie of this host only. */
export type Cookie = {
  /** Returns the values of all cookies with its name. There should be at most one. */
  read(headers: HeaderReader): string[];
  /** Returns the value of `Set-Cookie`, for a cookie with the lifetime of its content. */
  set(token: string, maxAgeMs: number): string;
};

/** The cookie of a session. Its name and its domain depend on the settings, so a browser may hold it in another form. */
export type SessionCookie = {
  /** Returns the values of all cookies with its name. There should be at most one. */
  read(headers: HeaderReader): string[];
  /**
   * Returns the values of the cookie from before the server had a cookie domain, which only this host could set. Empty
   * without a domain. A cookie with a domain is never read without one: any host below the domain may have planted it.
   */
  readHostOnly(headers: HeaderReader): string[];
  /**
   * Returns the values of `Set-Cookie` that set the cookie, and that clear its other forms from a browser that sent one.
   * Without a lifetime, it ends with the browser.
   */
  set(headers: HeaderReader, token: string, maxAgeMs: number | null): string[];
  /** Returns the values of `Set-Cookie` that clear the cookie in all forms that the browser sent. */
  clear(headers: HeaderReader): string[];
};

export type Cookies = {
  /** Holds the token of a session. */
  session: SessionCookie;
  /** Holds the token of a device on which its user has signed in. It stays after a logout. */
  device: Cookie;
};

/**
 * Returns the cookies of this server. Over https their names begin with `__Host-`, so that no other host, and no
 * unencrypted response, can set them (RFC 6265bis section 4.1.3.2). With a cookie domain, other hosts share the cookie of
 * the session, and `__Secure-` only excludes unencrypted responses. `Lax` keeps cookies out of other sites' requests, but
 * lets a link from another site open a page signed in.
 */
export function cookiesFor(config: Pick<Config, 'publicUrl' | 'cookieDomain'>): Cookies {
  return { session: sessionCookie(config), device: deviceCookie(config) };
}

/** A name of a cookie, and its domain. Null for a cookie of this host only. */
type Form = { name: string; domain: string | null };

function deviceCookie({ publicUrl }: Pick<Config, 'publicUrl'>): Cookie {
  const form = { name: isSecure(publicUrl) ? '__Host-device' : 'device', domain: null };
  return {
    read: (headers) => readCookies(headers, form.name),
    set: (token, maxAgeMs) => format(form, token, { maxAgeMs, isSecure: isSecure(publicUrl) }),
  };
}

function sessionCookie({ publicUrl, cookieDomain }: Pick<Config, 'publicUrl' | 'cookieDomain'>): SessionCookie {
  const secure = isSecure(publicUrl);
  const hostOnly: Form = { name: secure ? '__Host-session' : 'session', domain: null };
  const withDomain = (domain: string): Form => ({ name: secure ? '__Secure-session' : 'session', domain });
  const current = cookieDomain === null ? hostOnly : withDomain(cookieDomain);
  // The former domain is not known. A browser ignores the header for a cookie that it does not have.
  const others = [hostOnly, ...domainsOf(publicUrl).map(withDomain)].filter(
    ({ name, domain }) => name !== current.name || domain !== current.domain,
  );
  const expired = (form: Form) => format(form, '', { maxAgeMs: 0, isSecure: secure });
  const clearOthers = (headers: HeaderReader) =>
    others.filter(({ name }) => readCookies(headers, name).length > 0).map(expired);
  return {
    read: (headers) => readCookies(headers, current.name),
    readHostOnly: (headers) => (hostOnly.name === current.name ? [] : readCookies(headers, hostOnly.name)),
    set: (headers, token, maxAgeMs) => [
      ...clearOthers(headers),
      // Last, because an old browser may take a cookie for its host and one for the same domain for one cookie.
      format(current, token, { maxAgeMs, isSecure: secure }),
    ],
    clear: (headers) => [...clearOthers(headers), expired(current)],
  };
}

function isSecure(publicUrl: URL): boolean {
  return publicUrl.protocol === 'https:';
}

/** Returns the host of a URL and the domains above it, without the top-level domain. Empty for an IP address. */
function domainsOf({ hostname }: URL): string[] {
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return [];
  const labels = hostname.split('.');
  return labels.slice(0, -1).map((_label, at) => labels.slice(at).join('.'));
}

function format(
  { name, domain }: Form,
  value: string,
  { maxAgeMs, isSecure: secure }: { maxAgeMs: number | null; isSecure: boolean },
): string {
  const attributes = [
    ...(maxAgeMs === null ? [] : [`Max-Age=${Math.floor(maxAgeMs / 1_000)}`]),
    ...(domain === null ? [] : [`Domain=${domain}`]),
    'Path=/; HttpOnly; SameSite=Lax',
    ...(secure ? ['Secure'] : []),
  ];
  return [`${name}=${value}`, ...attributes].join('; ');
}
