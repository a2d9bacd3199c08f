import { commonPasswords, listedLength, plain, plainLetters } from './common-passwords.ts';
import { markRepetitions, markRuns } from './keyboard-runs.ts';

/**
 * The maximum weight of the rest of a guessable password, beside its predictable parts: eight digits or signs, such as
 * a date, or half as many letters. A password with a larger rest, or with a rest larger than the predictable parts, is
 * acceptable.
 */
const maxLeft = 8;
const weights = { space: 0, sign: 1, letter: 2 };

/** In characters. Shorter parts of an address or a name stand in the middle of too many words. */
const minPartLength = 3;

/** In UTF-16 units, of an address, a name or a host. Only other systems stored longer ones. */
const maxKnownLength = 400;

const why = {
  pattern: 'The password is little else than neighbouring keys or repeated characters.',
  personal: 'The password is little else than your name, your email address or the name of this service.',
  common: 'The password is one of the most used ones, or two of them, with little else.',
};
const advice = 'It would be guessed early. A few unrelated words make a good one.';

/**
 * Returns the reason why a password is among the first guesses, as a sentence, or null. Removes the predictable parts
 * and weighs the rest. The predictable parts are, in this order: runs of keys and repetitions; data of the user and the
 * service; one common password, as often as it occurs, or two of the thousand most common ones. Case, accents, and
 * signs for letters make no difference. Three unrelated words pass, even if each is on the list.
 *
 * NIST SP 800-63B-4 section 3.1.1.2: refuse commonly used and expected passwords, among them the names of the user and
 * the service and their derivatives, and give the reason.
 *
 * @param known - public data of the user and the service: an address, a name, a host
 */
export function guessableProblem(password: string, known: string[]): string | null {
  const letters = plainLetters(password);
  const guess = new Guess(plain(password));
  markRuns(guess.text, guess.marks);
  markRepetitions(guess.text, guess.marks);
  if (guess.isNear(guess.left())) return `${why.pattern} ${advice}`;
  for (const part of partsOf(known)) guess.mark(placesOf(part, letters));
  if (guess.isNear(guess.left())) return `${why.personal} ${advice}`;
  return isCommon(letters, guess) ? `${why.common} ${advice}` : null;
}

/** The start and the end of a part of a text. */
type Place = [start: number, end: number];

/** A password with marks at its predictable characters. */
class Guess {
  readonly text: string;
  /** 1 for each predictable character. */
  readonly marks: Uint8Array;
  readonly #weights: Uint8Array;

  constructor(text: string) {
    this.text = text;
    this.marks = new Uint8Array(text.length);
    this.#weights = Uint8Array.from({ length: text.length }, (_, index) => weightOf(text.charAt(index)));
  }

  mark(places: Place[]): void {
    for (const [start, end] of places) this.marks.fill(1, start, end);
  }

  /** Returns the weight of all characters without a mark, as if these places were marked too. */
  left(places: Place[] = []): number {
    const marks = places.length === 0 ? this.marks : this.marks.slice();
    for (const [start, end] of places) marks.fill(1, start, end);
    let sum = 0;
    for (let index = 0; index < marks.length; index += 1) if (!marks[index]) sum += this.#weights[index] ?? 0;
    return sum;
  }

  /** Returns whether a rest of this weight is small enough to be guessed. */
  isNear(left: number): boolean {
    const all = this.#weights.reduce((sum, weight) => sum + weight, 0);
    return left <= Math.min(maxLeft, all - left);
  }
}

function weightOf(character: string): number {
  if (/\s/.test(character)) return weights.space;
  return /\p{L}/u.test(character) ? weights.letter : weights.sign;
}

function isCommon(letters: string, guess: Guess): boolean {
  const { all, favourites } = commonPasswords();
  const before = guess.left();
  const found = [...wordsIn(letters, all)].map(([word, places]) => {
    const left = guess.left(places);
    return { places, left, gain: before - left, isFavourite: favourites.has(word) };
  });
  if (found.some(({ left }) => guess.isNear(left))) return true;
  const often = found.filter(({ isFavourite }) => isFavourite);
  return often.some((one, index) =>
    often
      .slice(index + 1)
      // Weighs only pairs that can suffice: a long text has many pairs.
      .filter((other) => one.left - other.gain <= maxLeft)
      .some((other) => guess.isNear(guess.left([...one.places, ...other.places]))),
  );
}

/** Returns the listed passwords in a text, with their places. */
function wordsIn(letters: string, listed: ReadonlySet<string>): Map<string, Place[]> {
  const found = new Map<string, Place[]>();
  for (let start = 0; start + listedLength.min <= letters.length; start += 1) {
    const maxEnd = Math.min(letters.length, start + listedLength.max);
    for (let end = start + listedLength.min; end <= maxEnd; end += 1) {
      const part = letters.slice(start, end);
      if (!listed.has(part)) continue;
      const places = found.get(part);
      if (places) places.push([start, end]);
      else found.set(part, [[start, end]]);
    }
  }
  return found;
}

function placesOf(part: string, text: string): Place[] {
  const places: Place[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) places.push([at, at + part.length]);
  return places;
}

/** Returns the words of addresses and names, each once. */
function partsOf(known: string[]): Set<string> {
  const words = known.flatMap((text) => plain(text.slice(0, maxKnownLength)).split(/[^\p{L}\p{N}]+/u));
  return new Set(words.filter((word) => word.length >= minPartLength).map(plainLetters));
}
