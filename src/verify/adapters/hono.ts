import type { Auth } from '../auth.ts';
import { type AdapterOptions, protect, type RequestVerifier } from './protect.ts';

/** The properties of a Hono context that the middleware uses. */
export type HonoContext = { req: { raw: Request }; set(key: 'auth', value: Auth | null): void };

/** The variables that the middleware sets: `new Hono<{ Variables: AuthVariables }>()`. */
export type AuthVariables = { auth: Auth | null };

/**
 * Returns a middleware for Hono. It sets the variable `auth`, which is null without a session, and rejects forged
 * requests (CSRF). Hono answers 503 if there is no verdict, and 403 to a forged request.
 *
 * @example
 * app.use(honoAuth(verifier));
 */
export function honoAuth<Context extends HonoContext>(
  verifier: RequestVerifier,
  { clientIp }: AdapterOptions<Context> = {},
) {
  return async (context: Context, next: () => Promise<void>): Promise<void> => {
    context.set('auth', await protect(verifier, context.req.raw, clientIp?.(context)));
    await next();
  };
}
