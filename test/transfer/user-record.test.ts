import { describe, expect, it } from 'vitest';
import { formatUserRecord, parseUserRecord } from '../../src/transfer/user-record.ts';

const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'c2FsdA'.repeat(3)}$${'aGFzaA'.repeat(7)}`;
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
