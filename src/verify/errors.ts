/**
 * An answer to a request that the verifier does not let pass. Express, Fastify and Koa send its status and headers by
 * themselves, and Hono its response.
 */
export abstract class Refusal extends Error {
  /** The status of the answer. */
  abstract readonly status: number;
  /** The headers of the answer. */
  readonly headers: Readonly<Record<string, string>> = {};

  /** Returns the same as `status`, by the name that Fastify reads. */
  get statusCode(): number {
    return this.status;
  }

  /** Returns the answer for servers that use the Fetch API. Its text is the message. */
  getResponse(): Response {
    return new Response(this.message, { status: this.status, headers: this.headers });
  }
}

/**
 * Is thrown when there is no verdict on a session: the server does not answer, or its database does not, or the token
 * was replaced a moment ago. Answer 503. Do not treat the request as that of a visitor: the user may be signed in.
 * `cause` has the reason.
 */
export class VerificationUnavailable extends Refusal {
  override readonly name = 'VerificationUnavailable';
  readonly status = 503;
  override readonly headers: Readonly<Record<string, string>>;

  constructor(cause: unknown, retryAfterSeconds = 1) {
    super('The session cannot be verified at the moment. Try again.', { cause });
    this.headers = { 'retry-after': String(retryAfterSeconds) };
  }
}

/** Is thrown for a request that a page of another site may have caused (CSRF). Answer 403. */
export class CsrfError extends Refusal {
  override readonly name = 'CsrfError';
  readonly status = 403;

  constructor() {
    super('Pages of this site may not send this request.');
  }
}

/**
 * Asks the client for a login, or for more recent or other proofs of the identity (RFC 9470). `requireProof` returns it.
 * The header `WWW-Authenticate` has the proofs.
 */
export class ProofRequired extends Refusal {
  override readonly name = 'ProofRequired';
  readonly status = 401;
  override readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, challenge: string) {
    super(message);
    this.headers = { 'www-authenticate': challenge };
  }
}

/**
 * Is thrown when the server does not answer a forwarded operation, or its database does not. Answer 503. `cause` has the
 * reason.
 */
export class ServerUnavailable extends Refusal {
  override readonly name = 'ServerUnavailable';
  readonly status = 503;
  override readonly headers = { 'retry-after': '1' };
  /** The values of `Set-Cookie` for the browser, as of a mutation that succeeds. Empty if there is no answer. */
  readonly setCookies: readonly string[];

  constructor(cause: unknown, setCookies: readonly string[] = []) {
    super('The server for users and sessions does not answer. Try again.', { cause });
    this.setCookies = setCookies;
  }
}

/**
 * Is thrown when the answer to a forwarded operation has `errors`. The message is that of the first one. A mutation may
 * have been executed: a field that fails below its result undoes nothing.
 */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  /** The `extensions.code` of the first error, such as `UNAUTHENTICATED`. Null if it has none. */
  readonly code: string | null;
  /** The values of `Set-Cookie` for the browser, as of a mutation that succeeds. Without them, the user is signed out. */
  readonly setCookies: readonly string[];

  constructor(message: string, code: string | null, setCookies: readonly string[] = []) {
    super(message);
    this.code = code;
    this.setCookies = setCookies;
  }
}

/** Is thrown when the verifier cannot work until a developer corrects its options. The message names the correction. */
export class VerifierMisconfigured extends Error {
  override readonly name = 'VerifierMisconfigured';
  readonly status = 500;
}
