/** Keyboard rows, columns and zigzags between rows of several layouts, digits, and the alphabet. */
const tracks = [
  '01234567890123456789',
  'abcdefghijklmnopqrstuvwxyzabc',
  '!@#$%^&*()_+',
  'qwertyuiop[]',
  "asdfghjkl;'",
  'zxcvbnm,./',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn',
  'йцукенгшщзхъ',
  'фывапролджэ',
  'ячсмитьбю',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  '1qa2ws3ed4rf5tg6yh7uj8ik9ol0p',
  '1a2b3c4d5e6f7g8h9i0j',
  'a1b2c3d4e5f6g7h8i9j0',
];

const allTracks = [...tracks, ...tracks.map((track) => [...track].reverse().join(''))].join('\n');

/** In characters. Many words contain three neighbouring keys. */
const minRunLength = 4;

/** Marks runs of keys or of the alphabet, in either direction: 4567, rewq, 1qaz2wsx. */
export function markRuns(text: string, marks: Uint8Array): void {
  for (let start = 0; start + minRunLength <= text.length; start += 1) {
    let end = start + minRunLength;
    if (!isRun(text.slice(start, end))) continue;
    while (end < text.length && isRun(text.slice(start, end + 1))) end += 1;
    marks.fill(1, start, end);
  }
}

function isRun(part: string): boolean {
  return !part.includes('\n') && allTracks.includes(part);
}

/** Marks up to four characters that are repeated three times or more: aaaaaa, abcabcabc. */
export function markRepetitions(text: string, marks: Uint8Array): void {
  for (const { index, 0: repetition } of text.matchAll(/(.{1,4}?)\1{2,}/gsu)) {
    marks.fill(1, index, index + repetition.length);
  }
}
