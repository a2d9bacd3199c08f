/** @module-tag slow/hashing */
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { hashProblem, isKnownHash } from '../../src/passwords/hash-formats.ts';
import { hashPassword } from '../../src/passwords/password.ts';
import { foreignHashes } from '../support/foreign-hashes.ts';
import { verify } from '../support/passwords.ts';

const policy = readConfig({}).passwords;
const argon2 = '$dx3xatxYZ6z+LXO+lVdmEg$fOQ4RXR/vj1UPlPqPt2Xf4FXNBLE5xX6D/4xn+JWjTE';
const bcrypt = '$NcajGG657dix375n4HWLfefcWuXaFPgRy3D0.5bRCUF57SNWHA18y';
const scrypt = '$snbO+d/bm9PaO6f0fo8xJg$2MdnQDdHvRcKGYfQlGN4SR4fGPNn6vU7VwV7rBpHnQM';
const pbkdf2 = '$x7g35nxvTclZKyWkNAZAiA$ZhjJRyEcpx2TLGoVdkbsnhdogGQP80HAzRXs36FjRls';

/** A salt and a key of 64 bytes. */
const longKey = `$x7g35nxvTclZKyWkNAZAiA$${'Zg0'.repeat(28)}Zg`;

describe('supported hash', () => {
  // OWASP's Password Storage Cheat Sheet, Django 6.1, libsodium's moderate limits, argon2-cffi, Symfony.
  it.each([
    `pbkdf2_sha256$1500000$salt$${pbkdf2.split('$')[2]}=`,
    `$pbkdf2-sha512$220000${longKey}`,
    `$pbkdf2-sha512$1500000${longKey}`,
    `$pbkdf2-sha256$3000000${pbkdf2}`,
    `$scrypt$ln=17,r=8,p=1${scrypt}`,
    `$scrypt$ln=16,r=8,p=2${scrypt}`,
    `$scrypt$ln=13,r=8,p=10${scrypt}`,
    `$argon2id$v=19$m=65536,t=3,p=4${argon2}`,
    `$argon2id$v=19$m=262144,t=3,p=1${argon2}`,
    `$argon2id$v=19$m=262144,t=4,p=16${argon2}`,
    `$2y$13${bcrypt}`,
  ])('is %j, a choice of other systems or at a limit', (hash) => {
    expect(hashProblem(hash)).toBeNull();
  });

  it.each(Object.entries(foreignHashes))('is %s', (_maker, hash) => {
    expect(isKnownHash(hash)).toBe(true);
  });

  // RFC 7914 section 12, the test of phc-winner-argon2 without a version, and the manual of PHP's `password_verify`.
  it.each([
    [
      'pleaseletmein',
      '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$' +
        'cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
    ],
    ['password', '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ'],
    ['rasmuslerdorf', '$2y$10$.vGA1O9wmRjrwAVXD98HNOgsNpDczlqm3Jq7KnEd1rVAGv3Fykk1a'],
  ])('is the published one of %j', async (password, hash) => {
    expect(isKnownHash(hash)).toBe(true);
    expect(await verify(password, hash, policy)).toBe(true);
    expect(await verify(`${password}!`, hash, policy)).toBe(false);
  });

  it('is one of this server, under any earlier policy', async () => {
    expect(isKnownHash(await hashPassword('x'.repeat(15), policy))).toBe(true);
    // More than a hash of another system may cost.
    const costly = { ...policy, memoryKiB: 300_000 };
    expect(await verify('x'.repeat(15), await hashPassword('x'.repeat(15), costly), costly)).toBe(true);
  });

  it('of bcrypt takes the first 72 bytes, as the system that made it did', async () => {
    const hash = '$2b$06$mTZjf/wC/Q86zBUKUPcDbeIVNTJPrd7wErSCH6NbXLh2mYP.VjRuq';
    expect(await verify('x'.repeat(72), hash, policy)).toBe(true);
    expect(await verify(`${'x'.repeat(72)} and more`, hash, policy)).toBe(true);
    expect(await verify('x'.repeat(71), hash, policy)).toBe(false);
  });
});

describe('unsupported hash', () => {
  it.each([
    '',
    'hunter2hunter2',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    `$argon2d$v=19$m=8192,t=1,p=1${argon2}`,
    `$argon2id$v=18$m=8192,t=1,p=1${argon2}`,
    `$argon2id$v=19$m=8192,t=1,p=1${argon2} `,
    `$argon2id$v=19$m=8192,t=1,p=1${argon2.slice(0, 20)}`,
    // Its salt is no base64 that an encoder would write.
    `$argon2id$v=19$m=8192,t=1,p=1${argon2.replace('mEg$', 'mEh$')}`,
    `$2x$06${bcrypt}`,
    `$2b$03${bcrypt}`,
    `$2b$06${bcrypt.slice(1)}`,
    `$pbkdf2$29000${pbkdf2}`,
    // A key so short that every other password would be right.
    '$pbkdf2-sha256$29000$x7g35nxvTclZKyWkNAZAiA$Zg',
    Buffer.from('plain text'.padEnd(128, '\0')).toString('base64'),
  ])('is %j, and nothing matches it', async (hash) => {
    expect(isKnownHash(hash)).toBe(false);
    for (const password of ['hunter2hunter2', 'plain text']) {
      expect(await verify(password, hash, policy)).toBe(false);
    }
  });

  it.each([
    `$argon2id$v=19$m=262145,t=1,p=1${argon2}`,
    `$argon2id$v=19$m=262144,t=5,p=1${argon2}`,
    `$argon2id$v=19$m=8192,t=1000000,p=1${argon2}`,
    `$argon2id$v=19$m=8192,t=1,p=17${argon2}`,
    `$2b$14${bcrypt}`,
    `$2b$31${bcrypt}`,
    `$scrypt$ln=18,r=8,p=1${scrypt}`,
    `$scrypt$ln=17,r=8,p=2${scrypt}`,
    `$scrypt$ln=99,r=999,p=999${scrypt}`,
    `$scrypt$ln=1,r=999,p=999${scrypt}`,
    `$scrypt$ln=2,r=999,p=5${scrypt}`,
    `$pbkdf2-sha256$i=3000001${pbkdf2}`,
    `$pbkdf2-sha512$i=1500001${longKey}`,
    // A key of two digests takes the iterations twice.
    `$pbkdf2-sha256$i=1500001${longKey}`,
    `pbkdf2_sha256$999999999$salt$${pbkdf2.split('$')[2]}=`,
  ])('is %j, which costs too much, and is not computed', async (hash) => {
    expect(hashProblem(hash)).toMatch(/^asks for more work than this server does: at most /);
    // The last one would take minutes.
    expect(await verify('correct horse battery staple', hash, policy)).toBe(false);
  });

  it.each([`$argon2id$v=19$m=64,t=1,p=9${argon2}`, `$scrypt$ln=16,r=1,p=1${scrypt}`])(
    'is %j, with inconsistent parameters',
    (hash) => {
      expect(hashProblem(hash)).toBe('is not in a form that can be verified');
    },
  );
});
