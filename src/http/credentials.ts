import type { HeaderReader } from './request-facts.ts';
/** What a request shows to prove whose it is. */
export type Credential = { transport: 'COOKIE' | 'BEARER'; token: string };

/**
 * The credential of a request, or null. A bearer token is always meant; the cookie comes along by itself, so it
 * counts only where there is no bearer token.
 */
export function readCredential(headers: HeaderReader, cookie: Cookie): Credential | null {
  const token = bearerToken(headers);
  if (token !== null) return { transport: 'BEARER', token };
  const values = cookie.read(headers);
  if (values.length === 0) return null;
  // Of two cookies with our name, one was planted, from a sibling domain for example. We cannot tell which.
  return { transport: 'COOKIE', token: values.length === 1 ? (values[0] ?? '') : '' };
}

/** The bearer token of a request (RFC 6750 section 2.1), or null. Other schemes hold none. */
export function bearerToken(headers: HeaderReader): string | null {
  return /^bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1] ?? null;
}

export type Cookie = {
  /** The values of all cookies with its name, of which there should be one at most. */
  read(headers: HeaderReader): string[];
  /** The value of `Set-Cookie`, for a cookie that lives as long as what it holds. */
  set(token: string, maxAgeMs: number): string;
  clear(): string;
};

export type Cookies = {
  /** Holds the token of a session. */
  session: Cookie;
  /** Holds what a device is known by on which its user has signed in. It stays when they log out. */
  device: Cookie;
};

/**
 * The cookies of this server. Over https their names begin with `__Host-`, so that no other host, and nothing in the
 * clear, can set them (RFC 6265bis section 4.1.3.2). `Lax` keeps them out of other sites' requests, but lets a link from
 * another site open a page signed in.
 */
export function cookiesFor(publicUrl: URL): Cookies {
  const isSecure = publicUrl.protocol === 'https:';
  return { session: cookie('session', isSecure), device: cookie('device', isSecure) };
}

function cookie(plainName: string, isSecure: boolean): Cookie {
  const name = isSecure ? `__Host-${plainName}` : plainName;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  return {
    read(headers) {
      const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
      return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
    },
    set: (token, maxAgeMs) => `${name}=${token}; Max-Age=${Math.floor(maxAgeMs / 1_000)}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}
