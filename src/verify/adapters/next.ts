import type { Auth } from '../auth.ts';
import { readCookies } from '../cookies.ts';
import { Refusal } from '../errors.ts';
import type { HeaderReader } from '../headers.ts';
import { protect, type RequestVerifier } from './protect.ts';

/** A route handler that receives the user and the session of its request. Null without a session. */
export type AuthHandler<Context> = (
  request: Request,
  auth: Auth | null,
  context: Context,
) => Response | Promise<Response>;

/** The cookies of a request and of the server action in it, as `cookies()` of Next.js returns them. */
export type CookieReader = { getAll(): readonly { name: string; value: string }[] };

/**
 * Returns the functions for Next.js. `headers` and `cookies` are those of `next/headers`. Without `cookies`, `auth` does
 * not know a session that a server action has just started or given a new token. The verifier is created by the first
 * request: `next build` loads the modules of an application too, on a machine that should not know its secret.
 *
 * - `auth()` is for server components and server actions. It returns null without a session.
 * - `withAuth(handler)` is for route handlers. It answers 503 if there is no verdict, and 403 to a forged request (CSRF).
 *
 * @example
 * import { cookies, headers } from 'next/headers';
 * export const { auth, withAuth } = nextAuth(() => createVerifier(options), headers, cookies);
 */
export function nextAuth(
  verifier: RequestVerifier | (() => RequestVerifier),
  headers: () => HeaderReader | Promise<HeaderReader>,
  cookies?: () => CookieReader | Promise<CookieReader>,
) {
  let created: RequestVerifier | null = null;
  function current(): RequestVerifier {
    created ??= typeof verifier === 'function' ? verifier() : verifier;
    return created;
  }
  return {
    async auth(): Promise<Auth | null> {
      // Comes first: in `next build` it ends here, and tells Next.js that the page depends on the request.
      const request = await headers();
      return current().verify(cookies ? currentHeaders(request, await cookies()) : request);
    },
    withAuth:
      <Context = unknown>(handler: AuthHandler<Context>) =>
      async (request: Request, context: Context): Promise<Response> => {
        const auth = await protect(current(), request, null).catch(toResponse);
        return auth instanceof Response ? auth : handler(request, auth, context);
      },
  };
}

function toResponse(error: unknown): Response {
  if (error instanceof Refusal) return error.getResponse();
  throw error;
}

/**
 * Returns the headers of a request with the cookies as they are now. Next.js renders the page after a server action in
 * the same request, and its `headers()` keeps the cookies from before: the token of the session may be replaced since.
 * Cookies that did not change stay as they came, also two of one name: they tell that one was planted.
 */
export function currentHeaders(request: HeaderReader, cookies: CookieReader): HeaderReader {
  const changed = cookies
    .getAll()
    .filter(({ name, value }) => !readCookies(request, name).some((sent) => sent === value || decode(sent) === value));
  if (changed.length === 0) return request;
  const kept = (request.get('cookie') ?? '')
    .split(';')
    .filter((pair) => pair !== '' && !changed.some(({ name }) => readCookies({ get: () => pair }, name).length > 0));
  // A deleted cookie has no value.
  const set = changed
    .filter(({ value }) => value !== '')
    .map(({ name, value }) => `${name}=${encodeURIComponent(value)}`);
  const cookie = [...kept, ...set].join(';');
  return { get: (name) => (name.toLowerCase() === 'cookie' ? cookie : request.get(name)) };
}

/** Returns the value of a cookie as Next.js decodes it. Null if it cannot be decoded: then Next.js has no such cookie. */
function decode(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
