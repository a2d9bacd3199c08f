import type { Config } from '../../config/config.ts';
import type { HeaderReader } from './headers.ts';

type Origins = Pick<Config, 'publicUrl' | 'allowedOrigins'>;

/**
 * Whether a request comes from a page that has no business with this server. Every request is asked, queries too: what
 * they answer, or how long they take, could tell another site about the user.
 *
 * The algorithm is that of Go's `http.CrossOriginProtection`: browsers say where a request comes from, in
 * `Sec-Fetch-Site` or, if they are old, in `Origin`; programs say neither, and send no cookie that they did not mean to.
 * A bearer token makes no difference: that only pages of allowed origins can add one is a promise of browsers.
 */
export function isFromForeignSite(headers: HeaderReader, { publicUrl, allowedOrigins }: Origins): boolean {
  const origin = headers.get('origin');
  if (origin !== null && allowedOrigins.has(origin)) return false;
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  if (origin === null || origin === publicUrl.origin) return false;
  const url = URL.parse(origin);
  // A page that came in the clear may be anybody's, although its host is ours.
  return url?.protocol !== publicUrl.protocol || url.host !== headers.get('host')?.toLowerCase();
}

/** What a response to a page of an allowed origin says, so that its browser lets the page read it. Empty for others. */
export function corsHeaders(headers: HeaderReader, { allowedOrigins }: Origins): Record<string, string> {
  const origin = headers.get('origin');
  if (origin === null || !allowedOrigins.has(origin)) return {};
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' };
}

/** What a browser that asks beforehand is told that pages of allowed origins may send. */
export const preflightHeaders = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'content-type, authorization, anti-csrf, x-device-token',
  'access-control-max-age': '7200',
};
