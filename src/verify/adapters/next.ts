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
 * Returns the functions for Next.js. `headers` is that of `next/headers`.
 *
 * - `auth()` is for server components and server actions. It returns null without a session.
 * - `withAuth(handler)` is for route handlers. It answers 503 if there is no verdict, and 403 to a forged request (CSRF).
 *
 * @example
 * import { headers } from 'next/headers';
 * export const { auth, withAuth } = nextAuth(verifier, headers);
 */
export function nextAuth(verifier: RequestVerifier, headers: () => HeaderReader | Promise<HeaderReader>) {
  return {
    auth: async (): Promise<Auth | null> => verifier.verify(await headers()),
    withAuth:
      <Context = unknown>(handler: AuthHandler<Context>) =>
      async (request: Request, context: Context): Promise<Response> => {
        const auth = await protect(verifier, request, null).catch(toResponse);
        return auth instanceof Response ? auth : handler(request, auth, context);
      },
  };
}

function toResponse(error: unknown): Response {
  if (error instanceof Refusal) return error.getResponse();
  throw error;
}
