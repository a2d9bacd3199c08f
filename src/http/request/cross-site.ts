import type { Config } from '../../config/config.ts';
import type { HeaderReader } from './headers.ts';

/** The refusal of a page of another site. */
export const foreignSite =
  'Pages of this site may not call this server. The operator allows sites with ALLOWED_ORIGINS.';

type Origins = Pick<Config, 'publicUrl' | 'allowedOrigins'>;

/**
 * Returns whether a request comes from a page of a site that may not call this server. This applies to every request,
 * also to queries: their answers, or the time that they take, could tell another site about the user.
 *
 * The algorithm is that of Go's `http.CrossOriginProtection`. Browsers report the origin of a request in
 * `Sec-Fetch-Site` or, if they are old, in `Origin`. Other programs send neither, and no cookie that they did not mean
 * to send. A bearer token is no exception: browsers alone guarantee that only pages of allowed origins can add one.
 */
export function isFromForeignSite(headers: HeaderReader, { publicUrl, allowedOrigins }: Origins): boolean {
  const origin = headers.get('origin');
  if (origin !== null && allowedOrigins.has(origin)) return false;
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  if (origin === null || origin === publicUrl.origin) return false;
  const url = URL.parse(origin);
  // An unencrypted page may come from an attacker, although its host is ours.
  return url?.protocol !== publicUrl.protocol || url.host !== headers.get('host')?.toLowerCase();
}

/**
 * Returns whether a browser stores the cookies of the answer. If a page of another site sent the request, it drops
 * cookies with `SameSite=Lax`, and neither the page nor the user learns of it (RFC 6265bis section 5.7).
 */
export function storesCookies(headers: HeaderReader): boolean {
  return headers.get('sec-fetch-site') !== 'cross-site';
}

/** Response headers that scripts of other origins may read. Names, not `*`: that is no wildcard with credentials. */
export const exposedHeaders = { 'access-control-expose-headers': 'retry-after, x-request-id' };

/** Returns the headers that let a browser give the response to a page of an allowed origin. Empty for other origins. */
export function corsHeaders(headers: HeaderReader, { allowedOrigins }: Origins): Record<string, string> {
  const origin = headers.get('origin');
  if (origin === null || !allowedOrigins.has(origin)) return {};
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', ...exposedHeaders };
}

/** The request headers of pages that this server reads. */
const ownHeaders = ['content-type', 'authorization', 'anti-csrf', 'x-device-token'];

/** Returns the answer to a preflight request: the methods and headers that pages of allowed origins may send. */
export function preflightHeaders({ allowedHeaders }: Pick<Config, 'allowedHeaders'>): Record<string, string> {
  return {
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': [...new Set([...ownHeaders, ...allowedHeaders])].join(', '),
    'access-control-max-age': '7200',
  };
}
