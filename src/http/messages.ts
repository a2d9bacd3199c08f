/** Requests and answers as plain values, whichever way they travel. */
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
  /** A stream is read as fast as the client reads. Null is no body. */
  body: string | ReadableStream<Uint8Array> | null;
};

/** Watches requests. Called when one begins; what it returns is called with the answer, before that is sent. */
export type Observer = (incoming: Incoming) => (outgoing: Outgoing) => void;

/** An answer other than the one that was asked for: thrown by a step, answered by the front door. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const codes: Record<number, string> = { 403: 'FORBIDDEN', 500: 'INTERNAL_SERVER_ERROR', 503: 'SERVER_OVERLOADED' };

/** Returns a refusal in the form of a GraphQL response, which is what its reader is going to parse. */
export function refusalBody(status: number, message: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code: codes[status] ?? 'BAD_REQUEST' } }] });
}

/** Returns a refusal as an answer. */
export function toOutgoing({ status, message, headers }: Refusal): Outgoing {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: refusalBody(status, message) };
}
