import { VerifierMisconfigured } from './errors.ts';
import type { HeaderReader } from './headers.ts';

/**
 * Returns the values of all cookies with this name. Only SP and HTAB are stripped (RFC 6265bis section 5.6): browsers
 * protect the prefix `__Host-` of a name, and a name with another byte before the prefix is not protected.
 */
export function readCookies(headers: HeaderReader, name: string): string[] {
  const pairs = (headers.get('cookie') ?? '').split(';').map(stripWhitespace);
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** This is a loop because `/[ \t]+$/` takes quadratic time on a long run of spaces. */
function stripWhitespace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isWhitespace(text[start])) start += 1;
  while (end > start && isWhitespace(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function isWhitespace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** Returns the name of the session cookie of a server whose browsers use this address. */
export function defaultCookieName(url: URL): string {
  return url.protocol === 'https:' ? '__Host-session' : 'session';
}

/** The names that the server gives to its cookie over https: without and with `COOKIE_DOMAIN`. */
const secureNames = ['__Host-session', '__Secure-session'];

/**
 * Compares the default name of the cookie with the cookies of a request. A backend may reach the server by another
 * address than browsers do, and then the default is wrong. Without this check, every user would seem signed out.
 *
 * @throws VerifierMisconfigured if the cookie has another name.
 */
export function checkDefaultName(headers: HeaderReader, name: string): void {
  if (secureNames.includes(name) && readCookies(headers, name).length > 0) return;
  const other = secureNames.find((one) => one !== name && readCookies(headers, one).some(isToken));
  if (other !== undefined) {
    throw new VerifierMisconfigured(
      `The session cookie of this request is ${other}, and not ${name}. Set the option cookieName to '${other}'.`,
    );
  }
}

function isToken(value: string): boolean {
  return value.startsWith('gqs_');
}
