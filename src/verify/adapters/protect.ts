import type { Auth } from '../auth.ts';
import type { ClientInfo, MethodSource, Verifier } from '../verifier.ts';

/** The parts of a verifier that adapters for HTTP use. */
export type RequestVerifier = Pick<Verifier, 'verify' | 'requireCsrf'>;

/** The options of adapters whose frameworks know the address of the client. */
export type AdapterOptions<Context> = {
  /** Returns the IP address of the client, which becomes that of the session. By default nothing is passed on. */
  clientIp?: (context: Context) => ClientInfo['clientIp'];
};

/**
 * Returns the user and the session of a request. Null without a session.
 *
 * @throws CsrfError if the request changes something, and a page of another site may have caused it.
 * @throws VerificationUnavailable
 */
export async function protect(
  { verify, requireCsrf }: RequestVerifier,
  request: MethodSource,
  clientIp: ClientInfo['clientIp'],
): Promise<Auth | null> {
  requireCsrf(request);
  return verify(request, { clientIp });
}
