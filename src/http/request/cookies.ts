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

export type Cookie = {
  /** Returns the values of all cookies with its name. There should be at most one. */
  read(headers: HeaderReader): string[];
  /** Returns the value of `Set-Cookie`, for a cookie with this lifetime. Null lets it end with the browser. */
  set(token: string, maxAgeMs: number | null): string;
  clear(): string;
};

export type Cookies = {
  /** Holds the token of a session. */
  session: Cookie;
  /** Holds the token of a device on which its user has signed in. It stays after a logout. */
  device: Cookie;
};

/**
 * Returns the cookies of this server. Over https their names begin with `__Host-`, so that no other host, and no
 * unencrypted response, can set them (RFC 6265bis section 4.1.3.2). `Lax` keeps them out of other sites' requests, but
 * lets a link from another site open a page signed in.
 */
export function cookiesFor(publicUrl: URL): Cookies {
  const isSecure = publicUrl.protocol === 'https:';
  return { session: cookie('session', isSecure), device: cookie('device', isSecure) };
}

function cookie(plainName: string, isSecure: boolean): Cookie {
  const name = isSecure ? `__Host-${plainName}` : plainName;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  return {
    read: (headers) => readCookies(headers, name),
    set: (token, maxAgeMs) => `${name}=${token}; ${maxAge(maxAgeMs)}${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}

function maxAge(ms: number | null): string {
  return ms === null ? '' : `Max-Age=${Math.floor(ms / 1_000)}; `;
}
