import type { Auth } from '../auth.ts';
import type { HeaderRecord } from '../headers.ts';
import { type AdapterOptions, protect, type RequestVerifier } from './protect.ts';

/** The properties of a Fastify request that the hook uses. */
export type FastifyRequest = { method: string; headers: HeaderRecord; ip: string; auth?: Auth | null };

/**
 * Returns a hook for Fastify. It sets `request.auth`, which is null without a session, and rejects forged requests
 * (CSRF). Fastify answers 503 if there is no verdict, and 403 to a forged request.
 *
 * @example
 * app.decorateRequest('auth', null);
 * app.addHook('onRequest', fastifyAuth(verifier));
 */
export function fastifyAuth(verifier: RequestVerifier, { clientIp }: AdapterOptions<FastifyRequest> = {}) {
  return async (request: FastifyRequest): Promise<void> => {
    request.auth = await protect(verifier, request, clientIp?.(request));
  };
}
