import type { Config } from '../config/config.ts';

export type FixedHeaders = Readonly<Record<string, string>>;

/**
 * Returns the headers of every answer, including refusals, errors that Node detects, and `/health`. They are equal for
 * all requests, so they are made once.
 *
 * - Answers depend on the caller, so no cache may store them.
 * - No answer is a page except GraphiQL, which has its own policy. So an answer may load nothing, and no frame may show
 *   it.
 * - Over https, browsers return over https only, for a year, also to subdomains of this host (OWASP ASVS 5.0 section
 *   3.4.1). The header does not apply to sibling domains.
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
