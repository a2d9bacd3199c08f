/** Random choices that a seed repeats. */
export type Random = {
  /** Returns a whole number from 0 up to, and excluding, this one. */
  below(limit: number): number;
  pick<T>(choices: readonly T[]): T;
  /** Returns true once in this number of times, on average. */
  onceIn(times: number): boolean;
};

/** Returns the choices of a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    // There is at least one choice wherever this is called.
    pick: <T>(choices: readonly T[]) => choices[below(choices.length)] as T,
    onceIn: (times) => below(times) === 0,
  };
}
