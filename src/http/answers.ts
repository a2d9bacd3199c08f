/** What all answers have in common, whichever way they are made. */

/** Answers depend on who asks, and must not be kept or guessed at by anything between. */
export const headersOfAll = {
  'cache-control': 'no-store',
  vary: 'Origin, Sec-Fetch-Site, Cookie, Authorization, Accept',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const codes: Record<number, string> = { 403: 'FORBIDDEN', 500: 'INTERNAL_SERVER_ERROR' };

/** A refusal in the form of a GraphQL response, which is what its reader is going to parse. */
export function refusalBody(status: number, message: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code: codes[status] ?? 'BAD_REQUEST' } }] });
}

export function refuse(status: number, message: string, headers: Record<string, string> = {}): Response {
  return new Response(refusalBody(status, message), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

export const foreignSiteMessage =
  'Pages of this site may not call this server. Its operator can allow that: ALLOWED_ORIGINS.';

export const bugMessage = 'Something went wrong here.';
