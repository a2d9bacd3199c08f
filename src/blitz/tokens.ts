/**
 * Returns the handle in a session token of Blitz.js, or null for any other text. The token is base64 of
 * `handle;random;hash;v0`. Only handles of users' sessions count; they end in `:ots`. The hash is not checked: it
 * belongs to the public data, which may have changed since.
 */
export function blitzHandleOf(token: string): string | null {
  if (!/^[A-Za-z0-9+/]{1,1000}={0,2}$/.test(token)) return null;
  const [handle = '', random, , version, ...rest] = Buffer.from(token, 'base64').toString().split(';');
  // PostgreSQL fails on a NUL, and with it the reads of other requests that come at the same time.
  if (!/^[\x21-\x7e]+:ots$/.test(handle)) return null;
  return random && version === 'v0' && rest.length === 0 ? handle : null;
}
