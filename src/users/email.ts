/** RFC 5321 section 4.5.3.1: the longest address that mail can be sent to, and the longest part before the @. */
const maxLength = { address: 254, local: 64 };

/**
 * RFC 5321's dot-string before the @, and at least two labels of letters, digits and inner hyphens behind it.
 * Quoted strings, comments, lists and address literals are refused: no mailbox of a person needs them, and mailers
 * that read them differently have sent somebody's secrets to somebody else.
 */
const grammar =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** What somebody may have as an address in another system, whose rules were others: nothing that is not printable. */
const foreignGrammar = /^\P{Cc}+@\P{Cc}+$/u;

/** The address as it is stored, trimmed and in lower case, or null if it is none. */
export function normalizeEmail(input: string): string | null {
  const email = input.trim();
  const fits = email.length <= maxLength.address && email.indexOf('@') <= maxLength.local;
  // RFC 2047's encoded words are read as other addresses by some mailers.
  const isEncoded = fits && email.includes('=?');
  // Judged before it is made lower case, which makes ASCII letters of some that are none.
  return fits && !isEncoded && grammar.test(email) ? email.toLowerCase() : null;
}

/**
 * What attempts at an address are counted by, however it is written, or null if it cannot be one. Users who came from
 * another system keep the address that they had there, also one that nobody could sign up with here.
 */
export function addressKey(input: string): string | null {
  const email = normalizeEmail(input);
  if (email !== null) return email;
  const isPossible = input.length <= maxLength.address && input.isWellFormed() && foreignGrammar.test(input);
  // Letters beyond ASCII are left alone: some would become letters of somebody else's address.
  return isPossible ? input.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : null;
}
