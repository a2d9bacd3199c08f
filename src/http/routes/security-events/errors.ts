import type { Refusal } from '../../messages.ts';

/** The error codes by HTTP status. Those of requests are from RFC 8935 section 2.4, which RFC 8936 shares. */
const codes: Record<number, string> = {
  401: 'authentication_failed',
  403: 'access_denied',
  500: 'server_error',
  503: 'temporarily_unavailable',
};

/** Returns the body of a refusal of the poll endpoint. */
export function setErrorBody({ status, message }: Refusal): string {
  return JSON.stringify({ err: codes[status] ?? 'invalid_request', description: message });
}
