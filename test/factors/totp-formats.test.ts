import { describe, expect, it } from 'vitest';
import { createTotpSecret, stepOf } from '../../src/factors/authenticator-app.ts';
import { readTotp } from '../../src/factors/totp-formats.ts';
import { codeAt } from '../support/second-factor.ts';

/** The secret of RFC 6238, appendix B: the characters 12345678901234567890. */
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const keycloak = (value: string, data: object) => ({
  id: '7f0c',
  type: 'otp',
  userLabel: 'phone',
  createdDate: 1_600_000_000_000,
  secretData: JSON.stringify({ value }),
  credentialData: JSON.stringify({
    subType: 'totp',
    digits: 6,
    counter: 0,
    period: 30,
    algorithm: 'HmacSHA1',
    ...data,
  }),
});

describe('the secret of an authenticator app', () => {
  it.each([
    ['a URI', `otpauth://totp/Example:ada?secret=${secret}&issuer=Example`],
    ['a URI with its parameters', `otpauth://totp/ada?secret=${secret}&algorithm=SHA1&digits=6&period=30`],
    ['Ory Kratos', { totp_url: `otpauth://totp/ada?algorithm=SHA1&digits=6&issuer=x&period=30&secret=${secret}` }],
    ['a secret alone', { secret }],
    ['lower case, spaces and padding', { secret: `${secret.toLowerCase().replace(/(.{4})/g, '$1 ')}====` }],
    ['its parameters', { secret, algorithm: 'SHA-1', digits: 6, period: 30 }],
    ['Keycloak', keycloak('12345678901234567890', {})],
    ['Keycloak, in base32', keycloak(secret, { secretEncoding: 'BASE32' })],
  ])('is read from %s', (_form, value) => {
    expect(readTotp(value)).toEqual({ secret });
  });

  it.each<[unknown, RegExp]>([
    [7, /^must be an otpauth: URI/],
    [[secret], /^must be an otpauth: URI/],
    ['', /^must be an otpauth: URI/],
    [secret, /^must be an otpauth: URI/],
    [{ secret: 7 }, /^must be an otpauth: URI/],
    [`otpauth://totp/ada?secret=${secret}&digits=six`, /^must be an otpauth: URI/],
    [`otpauth://hotp/ada?secret=${secret}&counter=1`, /^must be time-based/],
    [keycloak(secret, { subType: 'hotp' }), /^must be time-based/],
    [{ ...keycloak(secret, {}), type: 'password' }, /^must be an otpauth: URI/],
    [{ ...keycloak(secret, {}), secretData: '{' }, /^must be an otpauth: URI/],
    [
      `otpauth://totp/ada?secret=${secret}&algorithm=SHA256`,
      /^must have the algorithm SHA1, 6 digits and a period of 30/,
    ],
    [{ secret, digits: 8 }, /^must have the algorithm SHA1/],
    [{ secret, digits: '6' }, /^must have the algorithm SHA1/],
    [{ secret, period: 60 }, /^must have the algorithm SHA1/],
    [{ secret, algorithm: 'SHA512' }, /^must have the algorithm SHA1/],
    [keycloak(secret, { algorithm: 'HmacSHA256' }), /^must have the algorithm SHA1/],
    [keycloak(secret, { secretEncoding: 'HEX' }), /^must have a secret of at least 10 bytes, in base32/],
    [{ secret, label: 'ada' }, /^must have no members but secret, algorithm, digits and period/],
    [{ secret: '' }, /^must have a secret of at least 10 bytes/],
    [{ secret: 'GEZDGNBVGY3TQ' }, /^must have a secret of at least 10 bytes/],
    [{ secret: `${secret}1` }, /^must have a secret of at least 10 bytes/],
  ])('is refused in %j: %s', (value, rule) => {
    const reading = readTotp(value);
    expect(reading).toEqual({ rule: expect.stringMatching(rule) });
    expect(JSON.stringify(reading)).not.toContain(secret);
  });

  it('has 160 bits, and is never twice the same', () => {
    const secrets = Array.from({ length: 100 }, createTotpSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const one of secrets) expect(one).toMatch(/^[A-Z2-7]{32}$/);
  });
});

describe('a code', () => {
  it('is that of RFC 6238, appendix B', () => {
    expect(codeAt(secret, 59_000)).toBe('287082');
    expect(codeAt(secret, 1_111_111_109_000)).toBe('081804');
  });

  it('is accepted one step early and one step late, and no further', () => {
    const now = new Date('2026-11-27T12:00:10Z');
    const step = Math.floor(now.getTime() / 30_000);
    const accepted = [-2, -1, 0, 1, 2].map((n) => stepOf(secret, codeAt(secret, now.getTime() + n * 30_000), now));
    expect(accepted).toEqual([null, step - 1, step, step + 1, null]);
  });
});
