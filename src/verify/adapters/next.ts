import type { Auth } from '../auth.ts';
import { Refusal } from '../errors.ts';
import type { HeaderReader } from '../headers.ts';
import { protect, type RequestVerifier } from './protect.ts';

/** A route handler that receives the user and the session of its request. Null without a session. */
export type AuthHandler<Context> = (
  request: Request,
  auth: Auth | null,
  context: Context,
) => Response | Promise<Response>;

/**
 * Returns the functions for Next.js. `headers` is that of `next/headers`. The verifier is created by the first request:
 * `next build` loads the modules of an application too, on a machine that should not know its secret.
 *
 * - `auth()` is for server components and server actions. It returns null without a session.
 * - `withAuth(handler)` is for route handlers. It answers 503 if there is no verdict, and 403 to a forged request (CSRF).
 *
 * @example
 * import { cookies, headers } from 'next/headers';
 * export const { auth, withAuth } = nextAuth(() => createVerifier(options), headers);
 */
export function nextAuth(
  verifier: RequestVerifier | (() => RequestVerifier),
  headers: () => HeaderReader | Promise<HeaderReader>,
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
      return current().verify(request);
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
