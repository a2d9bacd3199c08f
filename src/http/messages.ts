/** Requests and answers as plain values, for every kind of transport. */
import type { RequestErrorCode } from '../errors.ts';
import type { RequestFacts } from '../log/request-facts.ts';
import type { HeaderReader } from './request/headers.ts';

export type Incoming = {
  method: string;
  /** The path and the query, as the client wrote them. */
  target: string;
  headers: HeaderReader;
  /** The address of the other end of the connection. Null for a request that was made in this process. */
  peer: string | null;
  /**
   * Reads the body as text. Null if it is larger than `maxBodyBytes`.
   *
   * @throws AbortedError
   */
  body(): string | null | Promise<string | null>;
};

export type Outgoing = {
  status: number;
  headers: Record<string, string | string[]>;
  /** A stream is read as fast as the client reads. Null means no body. */
  body: string | ReadableStream<Uint8Array> | null;
};

/**
 * Observes requests. It is called when a request begins, and returns a function that is called with the answer before
 * the answer is sent. By then, the facts are complete. A request that is no HTTP has an empty method and target.
 */
export type Observer = (incoming: Incoming, facts: RequestFacts) => (outgoing: Outgoing) => void;

/** Runs the steps of a request in a context of its own, which the steps need not know. */
export type RunRequest = (facts: RequestFacts, steps: () => Promise<Outgoing>) => Promise<Outgoing>;

/** Refuses a request: a step throws it, and the front door answers with it. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** The code in the body. By default, the status decides it. */
  readonly code: RequestErrorCode | undefined;

  constructor(status: number, message: string, headers: Record<string, string> = {}, code?: RequestErrorCode) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.code = code;
  }
}

const codes: Record<number, string> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVER_OVERLOADED',
};

/** Returns the code of a refusal. */
export function codeOf({ status, code }: Refusal): string {
  return code ?? codes[status] ?? 'BAD_REQUEST';
}

/** Returns the body of a refusal, in the form of a GraphQL response, because clients parse the body as one. */
export function refusalBody(refusal: Refusal, requestId: string): string {
  const error = { message: refusal.message, extensions: { code: codeOf(refusal) } };
  return JSON.stringify({ errors: [error], extensions: { requestId } });
}
