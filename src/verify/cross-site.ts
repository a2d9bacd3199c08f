import type { HeaderReader } from './headers.ts';

export type OriginPolicy = {
  /** The origins of other sites whose pages may send requests. */
  allowedOrigins: ReadonlySet<string>;
  /** Whether browsers use the application over https only. */
  isSecure: boolean;
};

/**
 * Returns whether a request comes from a page of another site. The algorithm is that of the server, and of Go's
 * `http.CrossOriginProtection`: browsers report the origin of a request in `Sec-Fetch-Site` or, if they are old, in
 * `Origin`. Other programs send neither, and no cookie that they did not mean to send.
 */
export function isFromForeignSite(headers: HeaderReader, { allowedOrigins, isSecure }: OriginPolicy): boolean {
  const origin = headers.get('origin');
  if (origin !== null && allowedOrigins.has(origin)) return false;
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  if (origin === null) return false;
  // Sandboxed pages have the origin `null`, which is no URL.
  if (!URL.canParse(origin)) return true;
  const { protocol, host } = new URL(origin);
  // An unencrypted page may come from an attacker, although its host is that of the application.
  return (isSecure && protocol !== 'https:') || host !== headers.get('host')?.toLowerCase();
}
