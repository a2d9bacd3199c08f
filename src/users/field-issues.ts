/** Checks of the fields of an account. Lengths are checked first, so that the rest is little work. */
import type { ValidationIssue } from '../errors.ts';

/** In code points. */
const maxNameLength = 200;

export const notAnEmail: ValidationIssue = {
  path: ['email'],
  message: 'The email must be an address such as ada@example.com.',
};

/** Returns the problem of a name, or null. */
export function nameIssue(name: string | null): ValidationIssue | null {
  if (name === null || isName(name)) return null;
  return { path: ['name'], message: `The name must be printable text of at most ${maxNameLength} characters.` };
}

/**
 * Returns whether a name is valid. The length in UTF-16 units is checked first: a character has at most two of them.
 */
function isName(name: string): boolean {
  const fits = name.length <= 2 * maxNameLength && [...name].length <= maxNameLength;
  return fits && name.isWellFormed() && !/\p{Cc}/u.test(name);
}

/** Returns the problem of a role, or null. */
export function roleIssue(role: string): ValidationIssue | null {
  if (role.length <= 50 && /^[\w.:-]+$/.test(role)) return null;
  return { path: ['role'], message: 'The role must be 1 to 50 characters of a-z, A-Z, 0-9 and _.:-.' };
}
