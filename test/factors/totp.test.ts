/** @module-tag repeated */
import fc from 'fast-check';
import { Secret, TOTP } from 'otpauth';
import { describe, expect, inject, it } from 'vitest';
import { InvalidCredentialsError } from '../../src/errors.ts';
import { createTotpSecret, redeemTotpCode, saveAuthenticatorApp, stepOf } from '../../src/factors/authenticator-app.ts';
import { openEmptyDatabase } from '../support/database.ts';
import { encryptionKeys } from '../support/second-factor.ts';

const stepMs = 30_000;

/** Returns the code of a secret at a time, in milliseconds. */
function codeAt(secret: string, timestamp: number): string {
  return new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 }).generate({
    timestamp,
  });
}

/** The secret and the vectors of RFC 6238 appendix B for SHA-1: seconds, and a code of which apps show six digits. */
const rfcSecret = Secret.fromUTF8('12345678901234567890').base32;
const vectors: [seconds: number, code: string][] = [
  [59, '94287082'],
  [1111111109, '07081804'],
  [1111111111, '14050471'],
  [1234567890, '89005924'],
  [2000000000, '69279037'],
  [20000000000, '65353130'],
];

describe('the time step of a code', () => {
  it.each(vectors)('is that of RFC 6238 at %i seconds', (seconds, code) => {
    expect(stepOf(rfcSecret, code.slice(-6), new Date(seconds * 1_000))).toBe(Math.floor(seconds / 30));
  });

  it('may be one before or after the current one, and no other', () => {
    const now = 1_800_000_000_000;
    const secret = createTotpSecret();
    const found = [-2, -1, 0, 1, 2].map((step) => stepOf(secret, codeAt(secret, now + step * stepMs), new Date(now)));
    const current = now / stepMs;
    expect(found).toEqual([null, current - 1, current, current + 1, null]);
  });

  it('does not depend on spaces, and is null for a text of another form', () => {
    const now = new Date(1_800_000_000_000);
    const secret = createTotpSecret();
    const code = codeAt(secret, now.getTime());
    expect(stepOf(secret, ` ${code.slice(0, 3)} ${code.slice(3)}`, now)).toBe(60_000_000);
    for (const text of ['', code.slice(1), `0${code}`, `${code}\u0000`, '１２３４５６', 'abcdef', ' '.repeat(1_000)]) {
      expect(stepOf(secret, text, now)).toBeNull();
    }
  });
});

/** A database with the app of a user, which has accepted no code yet. */
async function openApp() {
  const { database } = await openEmptyDatabase();
  const user = await database.user.create({ data: { email: 'ada@example.com', role: 'user' } });
  const secret = createTotpSecret();
  const reset = (time: number) =>
    saveAuthenticatorApp(database, encryptionKeys, { userId: user.id, secret, step: 0 }, new Date(time));
  const redeem = async (code: string, time: number) => {
    try {
      await redeemTotpCode(database, encryptionKeys, { userId: user.id, code }, new Date(time));
      return true;
    } catch (error) {
      if (error instanceof InvalidCredentialsError) return false;
      throw error;
    }
  };
  return { secret, reset, redeem };
}

describe('a code', () => {
  it('of an earlier step is refused after a later one', async () => {
    const { secret, reset, redeem } = await openApp();
    const now = 1_800_000_000_000;
    await reset(now);
    expect(await redeem(codeAt(secret, now + stepMs), now)).toBe(true);
    for (const step of [-1, 0, 1]) expect(await redeem(codeAt(secret, now + step * stepMs), now)).toBe(false);
    expect(await redeem(codeAt(secret, now + 2 * stepMs), now + stepMs)).toBe(true);
  });

  it('is accepted once, and steps only grow, for any times and codes, also at once', async () => {
    const { secret, reset, redeem } = await openApp();
    // Clocks of servers may differ, so time may also go back. Each group of codes is given at once.
    const group = fc.record({
      seconds: fc.integer({ min: -45, max: 60 }),
      steps: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 8 }), async (groups) => {
        let now = 1_800_000_000_000;
        await reset(now);
        let last = 0;
        for (const { seconds, steps } of groups) {
          now += seconds * 1_000;
          const given = steps.map((step) => Math.floor(now / stepMs) + step);
          const results = await Promise.all(given.map((step) => redeem(codeAt(secret, step * stepMs), now)));
          const accepted = given.filter((_, index) => results[index]);
          expect(new Set(accepted).size).toBe(accepted.length);
          for (const step of accepted) expect(step).toBeGreaterThan(last);
          // A code that is due and later than all before it is not refused for nothing.
          if (accepted.length === 0) {
            const due = given.filter((step) => Math.abs(step - Math.floor(now / stepMs)) <= 1 && step > last);
            expect(due).toEqual([]);
          }
          last = Math.max(last, ...accepted);
        }
      }),
      { numRuns: inject('isShort') ? 15 : 300 },
    );
  });
});
