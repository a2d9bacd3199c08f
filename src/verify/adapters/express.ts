import type { Auth } from '../auth.ts';
import type { HeaderRecord } from '../headers.ts';
import { type AdapterOptions, protect, type RequestVerifier } from './protect.ts';

/** The properties of an Express request that the middleware uses. */
export type ExpressRequest = { method: string; headers: HeaderRecord; ip?: string | undefined; auth?: Auth | null };

/**
 * Returns a middleware for Express 4 and 5. It sets `request.auth`, which is null without a session, and rejects forged
 * requests (CSRF). Express answers 503 if there is no verdict, and 403 to a forged request, unless you handle errors.
 *
 * @example
 * app.use(expressAuth(verifier));
 */
export function expressAuth(verifier: RequestVerifier, { clientIp }: AdapterOptions<ExpressRequest> = {}) {
  return async (request: ExpressRequest, _response: unknown, next: (error?: unknown) => void): Promise<void> => {
    try {
      request.auth = await protect(verifier, request, clientIp?.(request));
    } catch (error) {
      next(error);
      return;
    }
    next();
  };
}
