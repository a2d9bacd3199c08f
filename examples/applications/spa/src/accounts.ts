/** Sends GraphQL operations with the session cookie, which no script can read, and with its anti-CSRF token. */
const endpoint = `${import.meta.env.VITE_AUTH_URL ?? 'http://localhost:4000'}/graphql`;

/** The anti-CSRF token of the session. Lost by a reload: `loadAccount` asks for it again. */
let antiCSRFToken: string | null = null;

/** Is thrown when the server refuses a request. `code` is the `extensions.code` of its answer. */
export class RequestError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Keeps the token that an operation has returned. */
export function keepToken(token: string | null): void {
  antiCSRFToken = token;
}

/** @throws RequestError */
export async function send<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
  const response = await fetch(endpoint, {
    method: 'POST',
    // Without it, the browser neither sends nor stores cookies of another origin.
    credentials: 'include',
    headers: { 'content-type': 'application/json', ...(antiCSRFToken && { 'anti-csrf': antiCSRFToken }) },
    body: JSON.stringify({ query, variables }),
  }).catch(() => {
    throw new RequestError('UNREACHABLE', unreachable);
  });
  const { data, errors } = await response.json().catch(() => {
    throw new RequestError('UNREACHABLE', `Instead of the server, something answered with ${response.status}.`);
  });
  const [error] = errors ?? [];
  if (error) throw new RequestError(error.extensions?.code ?? 'UNKNOWN', error.message);
  return data;
}

/** A browser tells a page nothing about a server that does not allow its origin, not even that the server answers. */
const unreachable =
  'The server does not answer this page. If it runs, its ALLOWED_ORIGINS does not name the origin of this page, ' +
  `${location.origin}. The console of the browser has the details.`;

/** Is thrown when the server refuses an operation: `code` is for programs, `message` for people. */
export class Refusal extends Error {
  readonly code: string;
  readonly issues: { message: string }[];

  constructor(code: string, message: string, issues = [{ message }]) {
    super(message);
    this.code = code;
    this.issues = issues;
  }
}

/** Returns the reasons of a refusal, for a form. */
export function problemsOf(error: unknown): string[] {
  return error instanceof Refusal ? error.issues.map(({ message }) => message) : [messageOf(error)];
}

/** Returns the message of a refused request, or of a browser whose user has cancelled. Everything else is a bug. */
export function messageOf(error: unknown): string {
  const isCancelled = error instanceof Error && error.name === 'NotAllowedError';
  if (error instanceof RequestError || error instanceof Refusal || isCancelled) return error.message;
  throw error;
}
