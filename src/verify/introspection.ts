import { VerificationUnavailable, VerifierMisconfigured } from './errors.ts';

/** The endpoint, and how it is called. */
export type Endpoint = {
  url: URL;
  /** The value of `Authorization`. */
  authorization: string;
  timeoutMs: number;
  fetch: (url: URL, init: RequestInit) => Promise<Response>;
};

/** In milliseconds: the longest `Retry-After` after which the request is sent again. */
const maxRetryDelayMs = 1_000;

/** The answer to one attempt. A failure of the network, and an expired timeout, have no answer. */
type Attempt = { status: number; retryAfterSeconds: number | null; body: string } | { failure: unknown };

/**
 * Asks the server for the session of a token (RFC 7662), and returns the body of its answer. Asks a second time after a
 * failure of the network, for example of a connection that the server had just closed, and after a 503 with a short
 * `Retry-After`. A question changes nothing that a second one could break.
 *
 * @throws VerificationUnavailable without a verdict.
 * @throws VerifierMisconfigured if the server rejects the verifier.
 */
export async function introspect(endpoint: Endpoint, form: string): Promise<string> {
  const first = await attempt(endpoint, form);
  const delayMs = retryDelayOf(first);
  if (delayMs === null) return bodyOf(first);
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  return bodyOf(await attempt(endpoint, form));
}

async function attempt({ url, authorization, timeoutMs, fetch }: Endpoint, form: string): Promise<Attempt> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
      // A redirect could lead the token and the secret to another server.
      redirect: 'manual',
      // Next.js would answer from its own cache.
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const retryAfter = response.headers.get('retry-after') ?? '';
    const retryAfterSeconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
    return { status: response.status, retryAfterSeconds, body: await response.text() };
  } catch (failure) {
    return { failure };
  }
}

/** Returns the time before the second attempt, in milliseconds. Null if there should be none. */
function retryDelayOf(first: Attempt): number | null {
  // A server that is too slow would only become slower.
  if ('failure' in first) return isTimeout(first.failure) ? null : 0;
  if (first.status !== 503 || first.retryAfterSeconds === null) return null;
  const delayMs = first.retryAfterSeconds * 1_000;
  return delayMs <= maxRetryDelayMs ? delayMs : null;
}

function isTimeout(failure: unknown): boolean {
  return failure instanceof Error && failure.name === 'TimeoutError';
}

function bodyOf(answer: Attempt): string {
  if ('failure' in answer) throw new VerificationUnavailable(answer.failure);
  const { status, body, retryAfterSeconds } = answer;
  if (status === 200) return body;
  const correction = correctionFor(status);
  if (correction) throw new VerifierMisconfigured(`POST /oauth/introspect was answered with ${status}. ${correction}`);
  const cause = new Error(`POST /oauth/introspect was answered with ${status}: ${body.slice(0, 500)}`);
  throw new VerificationUnavailable(cause, retryAfterSeconds ?? undefined);
}

/** The correction for the address of another server, or of another path. */
export const wrongAddress = 'Set url to the address of the graphql-sessions server, without /graphql.';

/** The correction for a host that the server does not answer for. */
export const wrongHost =
  'The server does not answer for the host in url. Its operator allows hosts with ALLOWED_HOSTS.';

const corrections: Record<number, string> = {
  400: 'The parameters were rejected. If you pass clientIp, it must be an IP address without port.',
  401: 'The client id or the client secret is wrong, or disabled. Make one: service-client create my-api --scope introspect',
  403: 'The service client has no scope introspect. Make one: service-client create my-api --scope introspect',
  404: wrongAddress,
  405: wrongAddress,
  421: wrongHost,
};

/**
 * Returns how a developer corrects the cause of a status: by a table, and for redirects. Undefined for a status that may
 * pass by itself.
 */
export function correctionFor(status: number, byStatus = corrections): string | undefined {
  // A redirect that is not followed has the status 0 outside Node.js (Fetch Standard, opaque-redirect filtered response).
  const isRedirect = status === 0 || (status >= 300 && status < 400);
  return isRedirect ? `It is a redirect, which is never followed. ${wrongAddress}` : byStatus[status];
}
