/**
 * RFC 5321 section 4.5.3.1: the maximum length of an address that mail can be sent to, and of the part before the @.
 */
const maxLength = { address: 254, local: 64 };

/**
 * RFC 5321's dot-string before the @, and at least two labels of letters, digits and inner hyphens after it. Quoted
 * strings, comments, lists and address literals are rejected: no personal mailbox needs them, and mailers that parse
 * them differently have sent secrets to the wrong person.
 */
const grammar =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** The grammar for addresses from another system, which had other rules: no control characters. */
const foreignGrammar = /^\P{Cc}+@\P{Cc}+$/u;

/** Returns the address in its stored form, trimmed and in lower case, or null if it is invalid. */
export function normalizeEmail(input: string): string | null {
  const email = input.trim();
  const fits = email.length <= maxLength.address && email.indexOf('@') <= maxLength.local;
  // Some mailers read encoded words of RFC 2047 as other addresses.
  const isEncoded = fits && email.includes('=?');
  // Checked before the conversion to lower case, which turns some non-ASCII letters into ASCII letters.
  return fits && !isEncoded && grammar.test(email) ? email.toLowerCase() : null;
}

/** An address that a request names, read once. The same account is counted, trusted and found by it. */
export type Address = {
  /** The address as it was written. */
  written: string;
  /** The address in lower case, by which accounts are counted and compared. */
  key: string;
  /** Whether a user may have it. Users from another system keep an address that sign-up refuses here. */
  isPossible: boolean;
};

/** Reads an address, also one from another system. */
export function readAddress(input: string): Address {
  const email = normalizeEmail(input);
  if (email !== null) return { written: input.trim(), key: email, isPossible: true };
  const isPossible = input.length <= maxLength.address && input.isWellFormed() && foreignGrammar.test(input);
  // Letters beyond ASCII stay as they are: some would become letters of another user's address.
  const key = isPossible ? input.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : input;
  return { written: input, key, isPossible };
}

/** Returns the key of the account with this address. The key ignores the case of the address. */
export function accountKeyOf(email: string): string {
  return readAddress(email).key;
}
