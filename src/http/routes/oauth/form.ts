import { isCompressed, isForm } from '../../body.ts';
import { type Incoming, Refusal } from '../../messages.ts';

/** In characters: enough for the longest token beside other parameters. Parsing takes time before any credential. */
const maxFormLength = 16 * 1024;

/** The parameters of a request to an OAuth endpoint. Each occurs once at most. */
export type Form = ReadonlyMap<string, string>;

const tooLarge = `The body is larger than ${maxFormLength} bytes.`;

/**
 * Reads the parameters of a POST (RFC 6749 section 3.2).
 *
 * @throws Refusal for another method or media type, for a body that is too large, and for a parameter that occurs twice.
 */
export async function readForm({ method, headers, body }: Incoming): Promise<Form> {
  if (method !== 'POST') throw new Refusal(405, `${method} is not supported. Send a POST.`, { allow: 'POST' });
  if (!isForm(headers.get('content-type')) || isCompressed(headers)) {
    throw new Refusal(415, 'Send the parameters as application/x-www-form-urlencoded, not compressed.');
  }
  const text = await body();
  if (text === null) throw new Refusal(413, tooLarge, { connection: 'close' });
  if (text.length > maxFormLength) throw new Refusal(413, tooLarge);
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (form.has(name)) throw new Refusal(400, 'A parameter occurs twice.');
    form.set(name, value);
  }
  return form;
}

/** The maximum length of a token, in characters. Every token of this server is shorter, also of another system. */
const maxTokenLength = 4_096;

/** Returns the token of a request. @throws Refusal if there is none, or it is too long. */
export function requireToken(form: Form): string {
  const token = form.get('token');
  if (!token) throw new Refusal(400, 'The parameter token is missing.');
  if (token.length > maxTokenLength) {
    throw new Refusal(413, `The token is longer than ${maxTokenLength} characters. No token of this server is.`);
  }
  return token;
}
