import type { Refusal } from '../../messages.ts';

/** The error codes of OAuth by HTTP status (RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1). */
const codes: Record<number, string> = {
  401: 'invalid_client',
  403: 'insufficient_scope',
  500: 'server_error',
  503: 'temporarily_unavailable',
};

/** Returns the body of a refusal by an OAuth endpoint (RFC 6749 section 5.2). */
export function oauthRefusalBody({ status, message }: Refusal): string {
  return JSON.stringify({ error: codes[status] ?? 'invalid_request', error_description: message });
}
