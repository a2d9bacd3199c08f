/** RFC 5321 section 4.5.3.1: the longest address that mail can be sent to, and the longest part before the @. */
const longest = { address: 254, local: 64 };

/**
 * RFC 5321's dot-string before the @, and at least two labels of letters, digits and inner hyphens behind it.
 * Quoted strings, comments, lists and address literals are refused: no mailbox of a person needs them, and mailers
 * that read them differently have sent somebody's secrets to somebody else.
 */
const grammar =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** The address as it is stored, trimmed and in lower case, or null if it is none. */
export function normalizeEmail(input: string): string | null {
  const email = input.trim();
  // RFC 2047's encoded words are read as other addresses by some mailers.
  const isEncoded = email.includes('=?');
  const fits = !isEncoded && email.length <= longest.address && email.indexOf('@') <= longest.local;
  // Judged before it is made lower case, which makes ASCII letters of some that are none.
  return fits && grammar.test(email) ? email.toLowerCase() : null;
}
