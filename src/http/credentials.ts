import type { HeaderReader } from './request-facts.ts';
/** What a request shows to prove whose it is. */
export type Credential = { transport: 'COOKIE' | 'BEARER'; token: string };

/**
 * The credential of a request, or null. A bearer token is always meant; the cookie comes along by itself, so it
 * counts only where there is no bearer token.
 */
export function readCredential(headers: HeaderReader, cookie: SessionCookie): Credential | null {
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

export type SessionCookie = {
  read(headers: HeaderReader): string[];
  /** The value of `Set-Cookie`, for a cookie that lives as long as the session does. */
  set(token: string, maxAgeMs: number): string;
  clear(): string;
};

/**
 * The cookie that holds a session's token. Over https its name begins with `__Host-`, so that no other host, and
 * nothing in the clear, can set it (RFC 6265bis section 4.1.3.2). `Lax` keeps it out of other sites' requests, but lets
 * a link from another site open a page signed in.
 */
export function sessionCookie(publicUrl: URL): SessionCookie {
  const secure = publicUrl.protocol === 'https:';
  const name = secure ? '__Host-session' : 'session';
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  return {
    read(headers) {
      const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
      return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
    },
    set: (token, maxAgeMs) => `${name}=${token}; Max-Age=${Math.floor(maxAgeMs / 1_000)}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}
