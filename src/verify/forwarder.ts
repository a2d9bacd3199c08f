import { checkDefaultName, readCookies } from './cookies.ts';
import { type CookiePolicy, cookiePolicy } from './credentials.ts';
import { isFromForeignSite } from './cross-site.ts';
import { CsrfError, OperationError, ServerUnavailable } from './errors.ts';
import { type HeaderReader, type HeaderSource, readerOf } from './headers.ts';
import { parseObject } from './json.ts';
import { addressBelow, originPolicy, requireCookieName, requireUrl } from './options.ts';
import type { VerifierOptions } from './verifier.ts';

/** `url`, `allowedOrigins` and `fetch` are those of a verifier. */
export type ForwarderOptions = Pick<VerifierOptions, 'url' | 'allowedOrigins' | 'fetch'> & {
  /** The name of the session cookie. The default is that of a verifier. */
  cookieName?: string;
  /** The maximum time for an answer, in milliseconds. 10,000 by default: a login may wait for others. */
  timeoutMs?: number;
};

/** The variables of an operation. */
export type Variables = { readonly [name: string]: unknown };

export type ForwardedFor = {
  /**
   * The IP address of the client, or a complete `X-Forwarded-For`. The server believes it if its `TRUSTED_PROXIES` name
   * this backend. Without it, the server takes the address of this backend for that of the client.
   */
  forwardedFor?: string | null | undefined;
};

export type Forwarder = {
  /**
   * Sends a query in the session of a request, and returns its data.
   *
   * @throws OperationError if the answer has `errors`.
   * @throws ServerUnavailable if there is no answer. Answer 503.
   */
  query<Data>(request: HeaderSource, query: string, variables?: Variables, client?: ForwardedFor): Promise<Data>;
  /**
   * Sends a mutation in the session of a request, with its anti-CSRF token. Hand `setCookies` to the browser, also those
   * of an error: they are the values of `Set-Cookie`, and empty if no cookie changes.
   *
   * @throws CsrfError if a page of another site may have caused the request. Answer 403.
   * @throws OperationError if the answer has `errors`. The mutation may have been executed. Refusals in the data are no
   * errors.
   * @throws ServerUnavailable if there is no answer. The mutation may have been executed. Answer 503.
   */
  mutate<Data>(
    request: HeaderSource,
    mutation: string,
    variables?: Variables,
    client?: ForwardedFor,
  ): Promise<{ data: Data; setCookies: string[] }>;
};

/** The body of an answer. */
type Result<Data> = { data?: Data | null; errors?: { message: string; extensions?: { code?: string } }[] };

const csrfQuery = '{ currentSession { antiCSRFToken } }';
type CsrfData = { currentSession: { antiCSRFToken: string | null } | null };

/**
 * Creates a forwarder: it sends GraphQL operations of browsers to a graphql-sessions server, from a backend that renders
 * their pages. Browsers then need no access to the server. It sends the session cookie, the device cookie and the user
 * agent of the browser, and no other cookie. Create one for the process. Its functions need no `this`.
 *
 * @throws VerifierMisconfigured for an option that cannot be right.
 *
 * @example
 * const { mutate } = createForwarder({ url: 'https://accounts.example.com' });
 * const { data, setCookies } = await mutate(request, 'mutation { logout { revokedSessionId } }');
 */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { timeoutMs = 10_000, fetch = (url, init) => globalThis.fetch(url, init) } = options;
  const server = requireUrl(String(options.url));
  const url = addressBelow(server, 'graphql');
  const cookie = cookiePolicy(server, requireCookieName(options.cookieName));
  const origins = originPolicy(options.allowedOrigins, cookie);

  async function send<Data>(headers: Record<string, string>, query: string, variables: Variables = {}) {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
      redirect: 'manual',
      // Next.js would answer from its own cache.
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw new ServerUnavailable(cause);
    });
    const setCookies = response.headers.getSetCookie();
    return { data: await dataOf<Data>(response, setCookies), setCookies };
  }

  return {
    async query(request, query, variables, client) {
      const { data } = await send<never>(forwardedHeaders(readerOf(request), cookie, client), query, variables);
      return data;
    },
    async mutate(request, mutation, variables, client) {
      const reader = readerOf(request);
      if (isFromForeignSite(reader, origins)) throw new CsrfError();
      const headers = forwardedHeaders(reader, cookie, client);
      // The server asks for the token with every mutation in a session. Only this backend knows it.
      const session =
        headers.cookie === undefined ? null : (await send<CsrfData>(headers, csrfQuery)).data.currentSession;
      if (session?.antiCSRFToken) headers['anti-csrf'] = session.antiCSRFToken;
      return send<never>(headers, mutation, variables);
    },
  };
}

/** Returns the headers of a browser that the server needs, and no cookies but its own. */
function forwardedHeaders(reader: HeaderReader, cookie: CookiePolicy, client: ForwardedFor = {}) {
  const name = cookie.name ?? '';
  if (cookie.isDefault) checkDefaultName(reader, name);
  const cookies = [name, 'device', '__Host-device'].flatMap((one) =>
    readCookies(reader, one).map((value) => `${one}=${value}`),
  );
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json',
    // Without one, fetch would name itself, and the session would be that of a program.
    'user-agent': reader.get('user-agent') ?? '',
  };
  if (cookies.length > 0) headers.cookie = cookies.join('; ');
  if (client.forwardedFor) headers['x-forwarded-for'] = client.forwardedFor;
  return headers;
}

/**
 * Returns the data of an answer. The errors carry its cookies: those of a new session are in no other answer.
 *
 * @throws OperationError
 * @throws ServerUnavailable
 */
async function dataOf<Data>(response: Response, setCookies: string[]): Promise<Data> {
  const text = await response.text().catch((cause: unknown) => {
    throw new ServerUnavailable(cause, setCookies);
  });
  // The server answers with a result of GraphQL. Anything else has neither data nor errors.
  const { data, errors } = (parseObject(text) ?? {}) as Result<Data>;
  const [error] = errors ?? [];
  if (response.status === 503) throw new ServerUnavailable(error?.message ?? text.slice(0, 500), setCookies);
  if (error) throw new OperationError(error.message, error.extensions?.code ?? null, setCookies);
  if (data) return data;
  throw new ServerUnavailable(`POST /graphql was answered with ${response.status}: ${text.slice(0, 500)}`, setCookies);
}
