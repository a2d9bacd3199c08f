import { commonPasswords, listedLength, plain, plainLetters } from './common-passwords.ts';
import { markRepetitions, markRuns } from './keyboard-runs.ts';

/**
 * What may be left of a password beside what is known of it: eight digits or signs, such as a date, or half as many
 * letters. More than that, or than what is known, is something of its own.
 */
const maxLeft = 8;
const weights = { space: 0, sign: 1, letter: 2 };

/** In characters. Shorter parts of an address or a name are in the middle of too many words. */
const shortestPart = 3;

/** In UTF-16 units, of an address, a name or a host. Longer ones were stored by other systems. */
const maxKnownLength = 400;

const why = {
  pattern: 'The password is little else than neighbouring keys or repeated characters.',
  personal: 'The password is little else than your name, your email address or the name of this service.',
  common: 'The password is one of the most used ones, or two of them, with little else.',
};
const advice = 'It would be guessed early. A few unrelated words make a good one.';

/**
 * Why a password would be among the first to be guessed, as a sentence, or null if it would not be. Takes away what
 * guessing begins with, and looks at what is left: runs of keys and repetitions; what is known of the user and the
 * service; then one of the most used passwords, however often it is there, or two of the thousand that are used most;
 * all of that in any case, with accents or not, and with signs for letters. Three unrelated words pass, though each of
 * them is on the list.
 *
 * NIST SP 800-63B-4 section 3.1.1.2: used and expected passwords are refused, among them the names of the user and of
 * the service and what is derived of them, and it is said why.
 *
 * @param known - what others know of the user and of the service: an address, a name, a host
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

/** From where to where something stands in a text. */
type Place = [start: number, end: number];

/** How much of a password is known. */
class Guess {
  readonly text: string;
  /** 1 where it is known. */
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

  /** The weight of what is not known, or would not be with these places. */
  left(places: Place[] = []): number {
    const marks = places.length === 0 ? this.marks : this.marks.slice();
    for (const [start, end] of places) marks.fill(1, start, end);
    let sum = 0;
    for (let index = 0; index < marks.length; index += 1) if (!marks[index]) sum += this.#weights[index] ?? 0;
    return sum;
  }

  /** Whether little enough is left to be guessed. */
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
      // Weighed only where it can be enough: a long text has many pairs.
      .filter((other) => one.left - other.gain <= maxLeft)
      .some((other) => guess.isNear(guess.left([...one.places, ...other.places]))),
  );
}

/** The listed passwords that stand in a text, and where. */
function wordsIn(letters: string, listed: ReadonlySet<string>): Map<string, Place[]> {
  const found = new Map<string, Place[]>();
  for (let start = 0; start + listedLength.min <= letters.length; start += 1) {
    const longest = Math.min(letters.length, start + listedLength.max);
    for (let end = start + listedLength.min; end <= longest; end += 1) {
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

/** The words of which addresses and names consist, each once. */
function partsOf(known: string[]): Set<string> {
  const words = known.flatMap((text) => plain(text.slice(0, maxKnownLength)).split(/[^\p{L}\p{N}]+/u));
  return new Set(words.filter((word) => word.length >= shortestPart).map(plainLetters));
}
