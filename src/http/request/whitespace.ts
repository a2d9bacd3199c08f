/**
 * Strips the optional whitespace of HTTP, which is SP and HTAB (RFC 9110 section 5.6.3). `String.trim` and `\s` also
 * take U+00A0, U+000B, U+000C and U+FEFF, so that a name with such a byte before it would count as the name itself.
 *
 * This is a loop because `/[ \t]+$/` takes quadratic time on a long run of spaces.
 */
export function stripWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text[start])) start += 1;
  while (end > start && isWhitespace(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

/** Returns whether a character is SP or HTAB. */
export function isWhitespace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
