import { type Incoming, Refusal } from './messages.ts';
import type { HeaderReader } from './request/headers.ts';
import { stripWhitespace } from './request/whitespace.ts';

/** Larger than any operation on this schema needs, and small enough to keep many bodies in memory. */
export const maxBodyBytes = 64 * 1024;

/** The error for an incomplete body: its sender went away. */
export class AbortedError extends Error {}

/**
 * A body as it arrives. Its bytes are copied into one buffer: a chunk may have one byte, and takes a hundred times as
 * much memory as an object of its own.
 */
export class Body {
  #bytes = Buffer.alloc(0);
  #length = 0;

  /** Adds a chunk, and returns whether the body is still no larger than `maxBodyBytes`. */
  add(piece: Uint8Array): boolean {
    const length = this.#length + piece.byteLength;
    if (length > maxBodyBytes) return false;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, Math.min(2 * this.#bytes.length, maxBodyBytes)));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
    return true;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  text(): string {
    return this.bytes.toString('utf8');
  }
}

/** Returns whether a `Content-Length` is larger than `maxBodyBytes`. */
export function saysTooLarge(contentLength: string | null | undefined): boolean {
  return Number(contentLength ?? 0) > maxBodyBytes;
}

/**
 * Reads the body of a request as text. Returns null if it is larger than `maxBodyBytes`; the rest is then not read.
 *
 * @throws AbortedError if the request is aborted.
 */
export async function readBody(request: Request): Promise<string | null> {
  if (saysTooLarge(request.headers.get('content-length'))) return null;
  if (!request.body) return '';
  const reader = request.body.getReader();
  const body = new Body();
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw new AbortedError('The request was aborted.', { cause: error });
    });
    if (done) return body.text();
    // The reader is not cancelled, because that would close the connection before the refusal is sent.
    if (!body.add(value)) return null;
  }
}

/** Returns the body of a request as text. @throws Refusal if it is too large. AbortedError */
export async function requireText({ body }: Pick<Incoming, 'body'>): Promise<string> {
  const text = await body();
  if (text === null) throw tooLarge();
  return text;
}

/** Returns the refusal of a body that is larger than `maxBodyBytes`. The rest of it may follow on the connection. */
export function tooLarge(): Refusal {
  return new Refusal(413, `The body is larger than ${maxBodyBytes} bytes.`, { connection: 'close' });
}

/** Returns whether the body of a request is compressed. This server decompresses none. */
export function isCompressed(headers: HeaderReader): boolean {
  return (headers.get('content-encoding') ?? 'identity') !== 'identity';
}

/** Returns whether a `Content-Type` is JSON in UTF-8. */
export function isJson(contentType: string | null): boolean {
  return isInUtf8(contentType, 'application/json');
}

/** Returns whether a `Content-Type` is that of a form in UTF-8. */
export function isForm(contentType: string | null): boolean {
  return isInUtf8(contentType, 'application/x-www-form-urlencoded');
}

/** Compares types and charsets without regard to case (RFC 9110 section 8.3). */
function isInUtf8(contentType: string | null, expected: string): boolean {
  const [type, ...parameters] = (contentType ?? '').split(';').map((part) => stripWhitespace(part).toLowerCase());
  const charsets = parameters.filter((parameter) => parameter.startsWith('charset='));
  return type === expected && charsets.every((charset) => /^charset="?utf-?8"?$/.test(charset));
}
