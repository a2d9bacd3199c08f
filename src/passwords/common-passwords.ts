import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** In characters, as they stand in the list. Shorter ones are in the middle of too many words. */
export const listedLength = { min: 4, max: 20 };

/** Of the most used passwords, so many are combined with each other before anything else is tried. */
const favouriteCount = 1_000;

export type CommonPasswords = {
  /** All of them, in the form that `plainLetters` gives. */
  all: ReadonlySet<string>;
  /** The first thousand. */
  favourites: ReadonlySet<string>;
};

let loaded: CommonPasswords | null = null;

/**
 * The passwords that everybody uses and their stems, read at the first use. `common-passwords.md` says where they come
 * from, and how the file is made.
 */
export function commonPasswords(): CommonPasswords {
  if (loaded === null) {
    const file = readFileSync(new URL('common-passwords.txt.gz', import.meta.url));
    const words = gunzipSync(file).toString('latin1').split('\n');
    loaded = { all: new Set(words), favourites: new Set(words.slice(0, favouriteCount)) };
  }
  return loaded;
}

/**
 * A text without what is changed first in a word that is known: case, accents, and letters that look like others
 * (p@$$w0rd). Letters that share a sign, such as i and l, become one.
 */
export function plainLetters(text: string): string {
  return plain(text).replace(/[@4301!|l5$7]/g, (sign) => lookalikes[sign as keyof typeof lookalikes]);
}

/** A text without case and accents. */
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
