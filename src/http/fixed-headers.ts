import type { Config } from '../config/config.ts';

export type FixedHeaders = Readonly<Record<string, string>>;

/**
 * Returns the headers of every answer: also of refusals, of errors that Node finds and of `/health`. They are the same
 * for all requests, so that they are made once.
 *
 * - Answers depend on who asks, and nothing between may keep them.
 * - No answer is a page, but for GraphiQL, which has a policy of its own: it may load nothing and stand in no frame.
 * - Over https, browsers come back over https only. A year, and the names below this host too, as OWASP ASVS 5.0 section
 *   3.4.1 asks. It says nothing of names beside this host.
 */
export function headersFor({ publicUrl }: Pick<Config, 'publicUrl'>): FixedHeaders {
  return {
    'cache-control': 'no-store',
    vary: 'Origin, Sec-Fetch-Site, Cookie, Authorization, Accept',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...(publicUrl.protocol === 'https:' ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  };
}
