import { type Auth, toAuth } from './auth.ts';
import { cookiePolicy, readBearerToken, readToken } from './credentials.ts';
import { isFromForeignSite } from './cross-site.ts';
import { CsrfError, VerifierMisconfigured } from './errors.ts';
import { type HeaderReader, type HeaderSource, readerOf, type WithHeaders } from './headers.ts';
import { type Endpoint, introspect } from './introspection.ts';
import { addressBelow, originPolicy, requireCookieName, requireUrl } from './options.ts';
import { type SocketCloser, type SocketOptions, watchSessions } from './sockets/socket-closer.ts';
import type { StreamEndpoint } from './sockets/stream/session-end-stream.ts';

export type VerifierOptions = SocketOptions & {
  /** The address of the graphql-sessions server, as this backend reaches it. */
  url: string | URL;
  /** The client id of a service client with the scope `introspect`. */
  clientId: string;
  /** The client secret. Keep it out of browsers and of the repository. */
  clientSecret: string;
  /**
   * The name of the session cookie: `__Host-session` if browsers use the server over https, `__Secure-session` if it has
   * a `COOKIE_DOMAIN`, `session` over http. By default, the first or the last, by the scheme of `url`. Set it if this
   * backend reaches the server by another address than browsers do. Null accepts bearer tokens only.
   */
  cookieName?: string | null;
  /** The origins of other sites whose pages may send requests that change something: `https://admin.example.com`. */
  allowedOrigins?: Iterable<string>;
  /** Counts a verification as a use of the session, which extends its idle timeout. True by default. */
  touch?: boolean;
  /** The maximum time for an answer of the server, in milliseconds. 1,000 by default. */
  timeoutMs?: number;
  /** The function that sends requests. By default the global `fetch`, which keeps its connections open. */
  fetch?: (url: URL, init: RequestInit) => Promise<Response>;
};

/** The client of a request: a browser, for example. */
export type ClientInfo = {
  /**
   * The IP address of the client. If it is given, the session's address and device are those of this request, by its
   * `User-Agent`. Take it from the connection, or from a proxy that you trust. By default they stay as they are.
   */
  clientIp?: string | null | undefined;
};

/** A request with a method. One without counts as one that changes something. */
export type MethodSource = WithHeaders & { readonly method?: string | undefined };

export type Verifier = SocketCloser & {
  /**
   * Returns the user and the session of a request: of its bearer token or, without one, of its session cookie. Null if
   * it has none, or one that opens no session. Nothing is cached, so a revoked session is refused from the next request
   * on. Requests with the same token at the same time share questions to the server, which begin after all of them.
   *
   * @throws VerificationUnavailable if there is no verdict. Answer 503.
   * @throws VerifierMisconfigured if an option is wrong. The message names it.
   *
   * @example
   * const auth = await verify(request);
   * if (!auth?.user) return new Response('Sign in first.', { status: 401 });
   */
  verify(request: HeaderSource, client?: ClientInfo): Promise<Auth | null>;
  /**
   * Rejects a request that changes something if a page of another site may have caused it (CSRF). GET, HEAD and OPTIONS
   * pass, and must change nothing. Requests with a bearer token pass: no page of another site can add one.
   *
   * @throws CsrfError if the request is not to be trusted. Answer 403.
   */
  requireCsrf(request: MethodSource): void;
  /**
   * Does the same for every method, also for a GET: for the request that opens a WebSocket.
   *
   * @throws CsrfError
   */
  requireOwnSite(request: HeaderSource): void;
};

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/** In characters. The server uses no more of a user agent. */
const maxUserAgentLength = 512;

/**
 * Creates a verifier: it asks a graphql-sessions server whose session a request belongs to. Create one for the process.
 * Its functions need no `this`.
 *
 * @throws VerifierMisconfigured for an option that cannot be right.
 *
 * @example
 * const { verify } = createVerifier({
 *   url: 'https://accounts.example.com',
 *   clientId: process.env.CLIENT_ID ?? '',
 *   clientSecret: process.env.CLIENT_SECRET ?? '',
 * });
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { allowedOrigins, touch = true } = options;
  const url = requireUrl(String(options.url));
  const endpoint = endpointOf(url, options);
  const cookie = cookiePolicy(url, requireCookieName(options.cookieName));
  const origins = originPolicy(allowedOrigins, cookie);
  const ask = shareInFlight((form) => introspect(endpoint, form));
  const watch = watchSessions(streamOf(url, options), options, async (token) => {
    return toAuth(await ask(new URLSearchParams({ token, touch: 'false' }).toString()));
  });

  function requireOwnSite(request: HeaderSource): void {
    const headers = readerOf(request);
    if (readBearerToken(headers) === null && isFromForeignSite(headers, origins)) throw new CsrfError();
  }
  return {
    async verify(request, { clientIp } = {}) {
      const headers = readerOf(request);
      const token = readToken(headers, cookie);
      if (token === null) return null;
      const form = new URLSearchParams({
        token,
        ...clientFields(headers, clientIp),
        ...(touch ? {} : { touch: 'false' }),
      });
      const point = watch.now();
      // Each request has its own objects, which it may change.
      const auth = toAuth(await ask(form.toString()));
      if (auth !== null) watch.note(auth, token, point);
      return auth;
    },
    requireCsrf(request) {
      if (!safeMethods.includes(request.method ?? '')) requireOwnSite(request);
    },
    requireOwnSite,
    closeWith: (session, close) => watch.closeWith(session, close),
    stop: () => watch.stop(),
  };
}

function endpointOf(url: URL, options: VerifierOptions): Endpoint {
  const { clientId, clientSecret, timeoutMs = 1_000, fetch = globalFetch } = options;
  if (!clientId || !clientSecret) {
    throw new VerifierMisconfigured(
      'clientId and clientSecret must be those of a service client. One of them is empty.',
    );
  }
  // `Basic` with both parts in form encoding (RFC 6749 section 2.3.1).
  const authorization = `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`;
  return { url: addressBelow(url, 'oauth/introspect'), authorization, timeoutMs, fetch };
}

function streamOf(url: URL, { clientSecret, fetch = globalFetch }: VerifierOptions): StreamEndpoint {
  return { url: addressBelow(url, 'graphql'), clientSecret, fetch };
}

/** The global function of the time of the call: frameworks replace it. */
const globalFetch: VerifierOptions['fetch'] & {} = (url, init) => globalThis.fetch(url, init);

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice('='.length);
}

function clientFields(headers: HeaderReader, clientIp: string | null | undefined): Record<string, string> {
  if (!clientIp) return {};
  return { client_ip: clientIp, user_agent: headers.get('user-agent')?.slice(0, maxUserAgentLength) ?? '' };
}

/**
 * Returns a function that asks each question once at a time. Calls in one turn of the event loop share the answer. Calls
 * while it is on its way share the next one: an answer to a question from before their request could be from before a
 * revocation, too.
 */
function shareInFlight(ask: (question: string) => Promise<string>): (question: string) => Promise<string> {
  const waiting = new Map<string, Promise<string>>();
  const inFlight = new Map<string, Promise<void>>();
  function start(question: string): Promise<string> {
    waiting.delete(question);
    const answer = ask(question);
    const end = () => void inFlight.delete(question);
    inFlight.set(question, answer.then(end, end));
    return answer;
  }
  return (question) => {
    const shared = waiting.get(question);
    if (shared) return shared;
    const answer = (inFlight.get(question) ?? Promise.resolve()).then(() => start(question));
    waiting.set(question, answer);
    return answer;
  };
}
