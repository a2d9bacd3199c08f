/** RFC 5321 section 4.5.3.1: the longest address that mail can be sent to, and the longest part before the @. */
const longest = { address: 254, local: 64 };

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
  const fits = email.length <= longest.address && email.indexOf('@') <= longest.local;
  // RFC 2047's encoded words are read as other addresses by some mailers.
  const isEncoded = fits && email.includes('=?');
  // Judged before it is made lower case, which makes ASCII letters of some that are none.
  return fits && !isEncoded && grammar.test(email) ? email.toLowerCase() : null;
}

/** An address that a request names, read once. The same account is counted, trusted and found by it. */
export type Address = {
  /** The address as it was written. */
  written: string;
  /** The address in lower case, by which accounts are counted and compared. */
  key: string;
  /** Whether a user may have it. Users from another system keep an address that nobody could sign up with here. */
  isPossible: boolean;
};

/** Reads an address, also one from another system. */
export function readAddress(input: string): Address {
  const email = normalizeEmail(input);
  if (email !== null) return { written: input.trim(), key: email, isPossible: true };
  const isPossible = input.length <= longest.address && input.isWellFormed() && foreignGrammar.test(input);
  // Letters beyond ASCII stay as they are: some would become letters of another user's address.
  const key = isPossible ? input.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : input;
  return { written: input, key, isPossible };
}

/** Returns the key of the account that has this address, in whatever case it is stored or written. */
export function accountKeyOf(email: string): string {
  return readAddress(email).key;
}
