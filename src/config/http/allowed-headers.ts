import { type Environment, invalid, list, noted } from '../variables.ts';

/** Request headers that no page may send here, by their exact name or by its beginning, each group with the reason. */
const refused: { names: readonly string[]; prefixes: readonly string[]; rule: string }[] = [
  {
    // The Fetch Standard, section "forbidden request-header".
    names: [
      'accept-charset',
      'accept-encoding',
      'connection',
      'content-length',
      'cookie',
      'cookie2',
      'date',
      'dnt',
      'expect',
      'host',
      'keep-alive',
      'origin',
      'referer',
      'set-cookie',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
      'via',
    ],
    prefixes: ['access-control-', 'proxy-', 'sec-'],
    rule: 'must not name a header that only the browser may set (the Fetch Standard forbids it to scripts)',
  },
  {
    names: ['x-service-key'],
    prefixes: [],
    rule: 'must not name the header of a service secret: every user of a page can read the secrets in it',
  },
  {
    names: ['x-http-method', 'x-http-method-override', 'x-method-override'],
    prefixes: [],
    rule: 'must not name a header that replaces the method of a request',
  },
  {
    names: ['forwarded', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip', 'fastly-client-ip', 'remote-user'],
    prefixes: [
      'cf-',
      'x-auth-',
      'x-envoy-',
      'x-forwarded',
      'x-hasura-',
      'x-original-',
      'x-real-',
      'x-remote-',
      'x-rewrite-',
    ],
    rule: 'must not name a header with which proxies tell servers about the client, the user or the original request',
  },
];

/**
 * Returns the request headers of `ALLOWED_HEADERS`, in lower case and each once: pages of `ALLOWED_ORIGINS` may send
 * them, beside those that this server reads.
 *
 * @throws SettingError for `*`, for a text that is no field name, and for a header that no page may send.
 */
export function readAllowedHeaders(environment: Environment): readonly string[] {
  const names = list(environment, 'ALLOWED_HEADERS').map((value) => headerName(value));
  return noted(environment, 'ALLOWED_HEADERS', [...new Set(names)]);
}

function headerName(value: string): string {
  // A field name may be `*`, and browsers take it for one in an answer to a request with credentials.
  if (value === '*')
    throw invalid('ALLOWED_HEADERS', value, 'must name each header: browsers ignore * in requests with credentials');
  // RFC 9110 section 5.6.2: a field name is a token.
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/i.test(value)) {
    throw invalid(
      'ALLOWED_HEADERS',
      value,
      'must be names of headers, separated by commas, such as traceparent,x-app-version',
    );
  }
  const header = value.toLowerCase();
  const reason = refused.find(
    ({ names, prefixes }) => names.includes(header) || prefixes.some((prefix) => header.startsWith(prefix)),
  );
  if (reason !== undefined) throw invalid('ALLOWED_HEADERS', value, reason.rule);
  return header;
}
