import { describe, expect, it } from 'vitest';
import { encrypt } from '../../src/encryption/encryption.ts';
import { createTotpSecret } from '../../src/factors/authenticator-app.ts';
import { formatUserRecord, parseUserRecord } from '../../src/transfer/user-record.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';

const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'c2FsdA'.repeat(3)}$${'aGFzaA'.repeat(7)}`;
const passkey = { credentialId: 'AQIDBA', publicKey: 'pQECAyY', userHandle: 'AAECAw' };
const parse = (value: unknown) => parseUserRecord(JSON.stringify(value));

describe('line of a user', () => {
  it('is read with its values, and nothing else', () => {
    expect(parse({ email: ' Ada@Example.com' })).toEqual({ email: 'ada@example.com' });
    expect(
      parse({
        email: 'ada@example.com',
        name: ' Ada ',
        role: 'admin',
        hashedPassword: hash,
        emailVerifiedAt: null,
        suspendedAt: '2024-02-29T23:59:59.999999Z',
        createdAt: '1999-12-31t23:59:59.5-12:30',
      }),
    ).toEqual({
      email: 'ada@example.com',
      name: 'Ada',
      role: 'admin',
      hashedPassword: hash,
      emailVerifiedAt: null,
      suspendedAt: new Date('2024-02-29T23:59:59.999Z'),
      createdAt: new Date('2000-01-01T12:29:59.500Z'),
    });
  });

  it('is written as it is read, with the hash on request', () => {
    const user = {
      id: 7n,
      email: 'ada@example.com',
      name: null,
      username: 'ada',
      usernameKey: 'ada',
      role: 'user',
      hashedPassword: hash,
      emailVerifiedAt: new Date(1),
      suspendedAt: null,
      createdAt: new Date('2026-11-22T12:34:56.789Z'),
      updatedAt: new Date(),
      secondFactorSince: null,
    };
    const { hashedPassword: _hash, secondFactorSince: _since, usernameKey: _key, ...rest } = user;
    const { id: _id, updatedAt: _updatedAt, ...open } = rest;
    expect(parseUserRecord(formatUserRecord(user, { withPasswordHash: false }))).toEqual(open);
    expect(parseUserRecord(formatUserRecord(user, { withPasswordHash: true }))).toEqual({
      ...open,
      hashedPassword: hash,
    });
  });

  it('has passkeys with the defaults of members that it leaves out, also without the need for a second factor', () => {
    const aaguid = '00000000-0000-0000-0000-000000000000';
    const flags = { isBackedUp: false, isBackupEligible: false };
    const read = { ...passkey, counter: 0n, transports: null, name: null, createdAt: null, ...flags, aaguid };
    expect(parse({ email: 'a@b.cd', passkeys: [passkey], secondFactorSince: null })).toMatchObject({
      passkeys: [read],
    });
    const since = '2026-01-01T00:00:00.000Z';
    const given = parse({ email: 'a@b.cd', passkeys: [passkey], secondFactorSince: since });
    expect(given).toMatchObject({ secondFactorSince: new Date(since) });
  });

  it('has the authenticator app on request, in the form that it is read in', () => {
    const keys = encryptionKeysOf();
    const secret = createTotpSecret();
    const record = { email: 'ada@example.com', totp: secret, secondFactorSince: new Date(7) };
    const place = { table: 'AuthenticatorApp', column: 'encryptedSecret', row: '7' };
    const authenticatorApp = {
      id: 1n,
      createdAt: new Date(),
      userId: 7n,
      encryptedSecret: encrypt(keys, secret, place),
      lastUsedStep: 0,
    };
    const names = { name: null, username: null, usernameKey: null };
    const base = { id: 7n, ...names, role: 'user', hashedPassword: hash, emailVerifiedAt: null, suspendedAt: null };
    const user = { ...base, ...record, authenticatorApp, createdAt: new Date(1), updatedAt: new Date(1) };
    const line = formatUserRecord(user, { withPasswordHash: false, factors: { keys } });
    expect(JSON.parse(line).totp).toEqual({ secret, algorithm: 'SHA1', digits: 6, period: 30 });
    expect(parseUserRecord(line)).toMatchObject(record);
    expect(formatUserRecord(user, { withPasswordHash: true })).not.toMatch(/totp|secondFactor/);
    const without = { ...user, secondFactorSince: null, authenticatorApp: null };
    const parsed = parseUserRecord(formatUserRecord(without, { withPasswordHash: false, factors: { keys } }));
    expect(parsed).toMatchObject({ totp: null });
  });

  it.each<[unknown, RegExp]>([
    [{}, /^email is missing/],
    [{ email: 7 }, /^email must be an address/],
    [{ email: 'ada' }, /The email must be an address/],
    [{ email: 'a@b.cd', name: 7 }, /^name must be a text or null/],
    [{ email: 'a@b.cd', name: '\u0000' }, /printable/],
    [{ email: 'a@b.cd', name: '\ud800' }, /printable/],
    [{ email: 'a@b.cd', role: null }, /^role must be a text/],
    [{ email: 'a@b.cd', role: 'a b' }, /The role must be/],
    [{ email: 'a@b.cd', hashedPassword: 'open sesame' }, /^hashedPassword is not in a form/],
    [{ email: 'a@b.cd', hashedPassword: '' }, /^hashedPassword is not in a form/],
    [{ email: 'a@b.cd', hashedPassword: 7 }, /^hashedPassword must be a text or null/],
    [
      { email: 'a@b.cd', hashedPassword: hash.replace('t=2', 't=99') },
      /^hashedPassword asks for more work .* m=262144/,
    ],
    [
      { email: 'a@b.cd', hashedPassword: `$2b$14$${'a'.repeat(53)}` },
      /^hashedPassword asks for more work .* cost 13\.$/,
    ],
    [{ email: 'a@b.cd', createdAt: null }, /^createdAt must be a time/],
    [{ email: 'a@b.cd', createdAt: 1_700_000_000 }, /^createdAt must be a time/],
    [{ email: 'a@b.cd', createdAt: '2023-02-29T00:00:00Z' }, /^createdAt must be a time/],
    [{ email: 'a@b.cd', createdAt: '2023-01-01T25:00:00Z' }, /^createdAt must be a time/],
    [{ email: 'a@b.cd', createdAt: '2023-01-01T00:00:00' }, /^createdAt must be a time/],
    [{ email: 'a@b.cd', createdAt: '2023-01-01' }, /^createdAt must be a time/],
    [{ email: 'a@b.cd', createdAt: '0001-01-01T00:00:00Z' }, /^createdAt must be a time/],
    [{ email: 'a@b.cd', totp: 'open sesame' }, /^totp must be an otpauth: URI, an object/],
    [{ email: 'a@b.cd', totp: { secret: 'A'.repeat(32), digits: 8 } }, /^totp must have the algorithm SHA1, 6 digits/],
    [{ email: 'a@b.cd', passkeys: {} }, /^passkeys must be a list of at most 20/],
    [{ email: 'a@b.cd', passkeys: Array(21).fill(passkey) }, /^passkeys must be a list of at most 20/],
    [{ email: 'a@b.cd', passkeys: [passkey, 7] }, /^passkeys must be valid, but number 2 is not: it must be an object/],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, rpId: 'b.cd' }] }, /number 1 is not: its members are credentialId, /],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, counter: -1 }] }, /counter must be a whole number of 32 bits/],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, credentialId: 'a+b' }] }, /credentialId must be base64url/],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, userHandle: undefined }] }, /userHandle must be base64url/],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, transports: ['a b'] }] }, /transports must be a list of names/],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, aaguid: 'x' }] }, /aaguid must be a UUID/],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, name: '\u0000' }] }, /name must be printable text/],
    [{ email: 'a@b.cd', passkeys: [{ ...passkey, backedUp: true }] }, /backedUp must be false/],
    [
      { email: 'a@b.cd', passkeys: [passkey, { ...passkey, credentialId: 'Bw', userHandle: 'Bw' }] },
      /^passkeys must all have the same userHandle/,
    ],
    [{ email: 'a@b.cd', secondFactorSince: '2026-01-01T00:00:00Z' }, /^secondFactorSince needs totp or passkeys/],
    [
      { email: 'a@b.cd', totp: { secret: 'A'.repeat(32) }, secondFactorSince: null },
      /^secondFactorSince must be a time, because the user has totp/,
    ],
    [{ email: 'a@b.cd', nmae: 'Ada' }, /^"nmae" is not a field. The fields are email, name/],
    [{ email: 'a@b.cd', id: 7 }, /^"id" is not a field/],
    [{ email: 'a@b.cd', toString: 7 }, /^"toString" is not a field/],
    [['a@b.cd'], /^The line is not a JSON object/],
    [null, /^The line is not a JSON object/],
  ])('%j is refused: %s', (value, reason) => {
    expect(() => parse(value)).toThrow(reason);
  });

  it('is refused with all its errors', () => {
    expect(() => parse({ email: 1, name: 2, x: 3 })).toThrow(/email must be .* name must be .* "x" is not/);
  });

  it('never imports a plain password, nor repeats one', () => {
    const lines = ['{"email":"a@b.cd","password":"s3cret"}', '{"hashedPassword":"s3cret"}', '{"password":"s3cret"'];
    for (const line of lines) {
      expect(() => parseUserRecord(line)).toThrow();
      expect(() => parseUserRecord(line)).not.toThrow(/s3cret/);
    }
    expect(() => parseUserRecord('{"email":"a@b.cd","password":"s3cret"}')).toThrow(/^password is not imported/);
    expect(() => parseUserRecord('{"email":"a@b.cd","__proto__":{}}')).toThrow(/"__proto__" is not a field/);
  });
});
