import { RequestError } from './request-error.ts';

/** The time after which a request counts as unanswered, in milliseconds. */
const timeoutMs = 20_000;

export type Answer = {
  data?: ({ viewer?: unknown } & Record<string, unknown>) | null;
  errors?: { message: string; extensions?: { code?: string } }[];
};

/**
 * Sends one operation, and returns the answer of the server.
 *
 * @throws RequestError with the code `UNREACHABLE` if there is none
 */
export async function send(url: string, headers: Record<string, string>, operation: object): Promise<Answer> {
  // Hermes has no AbortSignal.timeout.
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      // React Native keeps cookies by itself. With one, but no bearer token, the server asks for an anti-CSRF token.
      credentials: 'omit',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(operation),
      signal: aborter.signal,
    });
    const answer = await response.json();
    // A proxy or a hotel's login page may answer in place of the server.
    if (typeof answer !== 'object' || !('data' in answer || 'errors' in answer)) throw new Error('not from GraphQL');
    return answer;
  } catch (cause) {
    throw new RequestError('UNREACHABLE', 'The server cannot be reached. Try again later.', { cause });
  } finally {
    clearTimeout(timer);
  }
}
