import { stripWhitespace } from './whitespace.ts';

/** Larger than any operation on this schema needs to be, and small enough to keep many of. */
export const maxBodyBytes = 64 * 1024;

/** A body that did not arrive whole: its sender went away. */
export class AbortedError extends Error {}

/**
 * The body of a request as text, or null if it is larger than `maxBodyBytes`; the rest is then not read.
 *
 * @throws AbortedError
 */
export async function readBody(request: Request): Promise<string | null> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) return null;
  if (!request.body) return '';
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw new AbortedError('The request was aborted.', { cause: error });
    });
    if (done) return Buffer.concat(chunks).toString('utf8');
    length += value.byteLength;
    // The reader is left as it is: to cancel it would close the connection before the refusal is sent.
    if (length > maxBodyBytes) return null;
    chunks.push(value);
  }
}

/** Whether a `Content-Type` says JSON in UTF-8. Types and charsets are compared without regard to case (RFC 9110). */
export function isJson(contentType: string | null): boolean {
  const [type, ...parameters] = (contentType ?? '').split(';').map((part) => stripWhitespace(part).toLowerCase());
  const charsets = parameters.filter((parameter) => parameter.startsWith('charset='));
  return type === 'application/json' && charsets.every((charset) => /^charset="?utf-?8"?$/.test(charset));
}
