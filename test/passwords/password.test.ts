import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { formProblem, hashPassword } from '../../src/passwords/password.ts';
import { check, verify } from '../support/passwords.ts';

const policy = readConfig({}).passwords;

/** Hashes of a password that is not in its normal form, by argon2-cffi, bcrypt and Django. */
const hashesOfTyped = [
  '$argon2id$v=19$m=19456,t=2,p=1$kuAwLHWpgju01gJvqZzRDQ$fwTqvEFawMC8/wepN694lGAdvpOpIIsf5ajmuplaxPA',
  '$2b$06$DlKuw11xClywmzCEYYJeFOEi8bv5HUSh06WrPg6cenkw0p07DV7Lu',
  'pbkdf2_sha256$30000$uGrHRI1fJ5yxAmqbdvYCsX$AjpCJY+krRb/KuT8SuHgVZkgsLo3bhxn4TlOuAUG4g0=',
];

describe('new password', () => {
  it.each([
    'aaaaaaaaaaaaaaa',
    '               ',
    'correct horse battery staple',
    '平仮名平仮名平仮名平仮名平仮名',
    '🔑'.repeat(15),
    'x'.repeat(256),
    '\u0000'.repeat(15),
  ])('may be %j', (password) => {
    expect(formProblem(password, policy)).toBeNull();
  });

  it.each([
    ['', /at least 15/],
    ['fourteen chars', /at least 15/],
    ['🔑'.repeat(14), /at least 15/],
    ['e\u0301'.repeat(14), /at least 15/],
    ['\ufdfa', /at least 15/],
    ['x'.repeat(257), /at most 256/],
    ['x'.repeat(60_000), /at most 256/],
    ['\ufdfa'.repeat(100), /at most 256/],
    ['lone surrogate \ud800 in it', /not Unicode/],
  ])('may not be %j', (password, problem) => {
    expect(formProblem(password, policy)).toMatch(problem);
  });

  it('may be shorter by configuration', () => {
    expect(formProblem('12345678', { ...policy, minLength: 8 })).toBeNull();
  });
});

describe('hash', () => {
  it('is argon2id with the parameters of the policy, and its own salt', async () => {
    const costly = { ...policy, memoryKiB: 20_000, passes: 3, lanes: 2 };
    const [one, two] = [await hashPassword('x'.repeat(15), costly), await hashPassword('x'.repeat(15), costly)];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=20000,t=3,p=2\$/);
    expect(one).not.toBe(two);
    expect(await verify('x'.repeat(15), one, policy)).toBe(true);
  });

  it('covers every part of a password', async () => {
    const password = `${'x'.repeat(255)}y`;
    const hash = await hashPassword(password, policy);
    expect(await verify(password, hash, policy)).toBe(true);
    for (const wrong of ['', 'x', 'x'.repeat(255), 'x'.repeat(256), `${password}y`, password.toUpperCase(), '\ud800']) {
      expect(await verify(wrong, hash, policy), wrong).toBe(false);
    }
  });

  it('of another system matches its password, and takes two tries for every account alike', {
    tags: ['slow/hashing'],
  }, async () => {
    const typed = 'p\u00e4ssw\u00f6rd \ufb01ve hundred';
    expect(typed.normalize('NFKC')).not.toBe(typed);
    for (const stored of hashesOfTyped) {
      expect(await verify(typed, stored, policy), stored).toBe(true);
      expect(await verify(typed.normalize('NFKC'), stored, policy), stored).toBe(false);
      expect(await verify(`${typed}!`, stored, policy), stored).toBe(false);
    }
    const ours = await hashPassword(typed, policy);
    expect(await check(typed, ours, policy)).toEqual({ isRight: true, rehashed: null });
    const work = async (stored: string | null) => {
      const began = process.cpuUsage();
      for (let round = 0; round < 10; round += 1) await verify(`${typed} again`, stored, policy);
      return process.cpuUsage(began).user;
    };
    await work(ours);
    const ratio = (await work(null)) / (await work(ours));
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  it('of an unknown format matches nothing', async () => {
    for (const stored of ['', 'plain text', '$argon2id$', '$2b$10$abcdefghijklmnopqrstuu', 'JGFyZ29uMmlk', '\u0000']) {
      expect(await verify('plain text', stored, policy), stored).toBe(false);
    }
  });

  it('matches nothing if it is missing or invalid, after as much work as a valid one', {
    tags: ['slow/hashing'],
  }, async () => {
    const hash = await hashPassword('x'.repeat(15), policy);
    const time = async (stored: string | null) => {
      const began = process.cpuUsage();
      for (let round = 0; round < 20; round += 1) {
        expect(await verify('another password', stored, policy)).toBe(false);
      }
      return process.cpuUsage(began).user;
    };
    await time(hash);
    const withHash = await time(hash);
    const tooCostly = hash.replace('m=19456', 'm=9999999');
    for (const other of [null, 'plain text', tooCostly]) {
      const ratio = (await time(other)) / withHash;
      expect(ratio).toBeGreaterThan(0.5);
      expect(ratio).toBeLessThan(2);
    }
  });

  it('of a higher cost takes as long as a missing one, for a wrong password', {
    tags: ['slow/timing'],
  }, async () => {
    const costly = await hashPassword('x'.repeat(15), { ...policy, passes: 8 });
    const time = async (stored: string | null) => {
      let sum = 0;
      for (let round = 0; round < 5; round += 1) {
        const began = performance.now();
        expect(await verify('another password', stored, policy)).toBe(false);
        // The answer is delayed by a second at most, which a busy machine takes longer than.
        sum += Math.min(performance.now() - began, 1_000);
      }
      return sum;
    };
    const slow = await time(costly);
    for (const other of [null, 'plain text', await hashPassword('x'.repeat(15), policy)]) {
      expect((await time(other)) / slow).toBeGreaterThan(0.6);
    }
  });
});
