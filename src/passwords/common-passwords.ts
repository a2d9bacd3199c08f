import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** The length of listed passwords, in characters. Shorter ones stand in the middle of too many words. */
export const listedLength = { min: 4, max: 20 };

/** The number of the most common passwords that guessing combines with each other first. */
const favouriteCount = 1_000;

export type CommonPasswords = {
  /** All listed passwords, in the form of `plainLetters`. */
  all: ReadonlySet<string>;
  /** The most common thousand. */
  favourites: ReadonlySet<string>;
};

let loaded: CommonPasswords | null = null;

/** Returns the common passwords and their stems, read at the first use. `common-passwords.md` documents the source. */
export function commonPasswords(): CommonPasswords {
  if (loaded === null) {
    const file = readFileSync(new URL('common-passwords.txt.gz', import.meta.url));
    const words = gunzipSync(file).toString('latin1').split('\n');
    loaded = { all: new Set(words), favourites: new Set(words.slice(0, favouriteCount)) };
  }
  return loaded;
}

/**
 * Undoes the usual changes to a known word: case, accents, and signs that look like letters (p@$$w0rd). Letters that
 * share a sign, such as i and l, become one.
 */
export function plainLetters(text: string): string {
  return plain(text).replace(/[@4301!|l5$7]/g, (sign) => lookalikes[sign as keyof typeof lookalikes]);
}

/** Removes case and accents from a text. */
export function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

const lookalikes = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '0': 'o',
  '1': 'i',
  '!': 'i',
  '|': 'i',
  l: 'i',
  '5': 's',
  $: 's',
  '7': 't',
};
