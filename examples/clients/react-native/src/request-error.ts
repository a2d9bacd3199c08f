/** A failure of the whole request. It signs nobody out, except with the code `UNAUTHENTICATED`. */
export class RequestError extends Error {
  /** The `extensions.code` of the first error: see docs/api.md. `UNREACHABLE` without an answer of the server. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
