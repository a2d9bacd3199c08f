import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { decrypt, encrypt, isOfFirstKey } from '../../src/encryption/encryption.ts';
import { createEncryptionKey, parseEncryptionKey } from '../../src/encryption/keys.ts';
import { OperatorError } from '../../src/errors.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';

const entries = {
  one: `one:${'A'.repeat(42)}E`,
  other: `other:${'B'.repeat(42)}E`,
  sameId: `one:${'C'.repeat(42)}E`,
};
const place = { table: 'Some', column: 'secret', row: '7' };

describe('encryption', () => {
  it.each(['', 'a secret', 'ü\u0000🙂', 'x'.repeat(10_000)])(
    'is undone by the same key in the same place: %j',
    (secret) => {
      const keys = encryptionKeysOf(entries.one);
      expect(decrypt(keys, encrypt(keys, secret, place), place)).toBe(secret);
    },
  );

  it('makes another ciphertext each time, which names its key and shows nothing of the secret', () => {
    const keys = encryptionKeysOf(entries.one);
    const [a, b] = [encrypt(keys, 'a secret', place), encrypt(keys, 'a secret', place)];
    expect(a).not.toBe(b);
    expect(a).toMatch(/^A256GCM\.one\.[\w-]{16}\.[\w-]{32}$/);
    expect(Buffer.from(a.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('secret');
  });

  it('uses the first key, and decrypts with each', () => {
    const before = encrypt(encryptionKeysOf(entries.one), 'a secret', place);
    const keys = encryptionKeysOf(entries.other, entries.one);
    expect(decrypt(keys, before, place)).toBe('a secret');
    expect(isOfFirstKey(keys, before)).toBe(false);
    const after = encrypt(keys, 'a secret', place);
    expect(isOfFirstKey(keys, after)).toBe(true);
    expect(decrypt(encryptionKeysOf(entries.other), after, place)).toBe('a secret');
  });

  it.each([
    ['table', { ...place, table: 'Other' }],
    ['column', { ...place, column: 'other' }],
    ['row', { ...place, row: '8' }],
    ['place with the same letters', { table: 'Some', column: 'secret7', row: '' }],
  ])('is bound to its place: it is not decrypted in another %s', (_part, elsewhere) => {
    const keys = encryptionKeysOf(entries.one);
    const ciphertext = encrypt(keys, 'a secret', place);
    expect(() => decrypt(keys, ciphertext, elsewhere)).toThrow(/^The key "one" of ENCRYPTION_KEYS does not decrypt/);
  });

  it('names the key that is missing', () => {
    const ciphertext = encrypt(encryptionKeysOf(entries.one), 'a secret', place);
    const read = () => decrypt(encryptionKeysOf(entries.other), ciphertext, place);
    expect(read).toThrow(OperatorError);
    expect(read).toThrow('ENCRYPTION_KEYS lacks the key "one", which encrypted a value of Some.secret.');
  });

  it('refuses another key of the same id, and a ciphertext that was changed in any part', () => {
    const keys = encryptionKeysOf(entries.one, entries.other);
    const ciphertext = encrypt(keys, 'a secret', place);
    expect(() => decrypt(encryptionKeysOf(entries.sameId), ciphertext, place)).toThrow(OperatorError);
    const parts = ciphertext.split('.');
    const flip = (text: string, index: number) =>
      `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`;
    const changed = [
      parts.with(0, 'A128GCM'),
      parts.with(1, 'other'),
      parts.with(2, flip(parts[2] ?? '', 0)),
      parts.with(3, flip(parts[3] ?? '', 0)),
      // The tag, and a shorter tag, which would be easier to guess.
      parts.with(3, flip(parts[3] ?? '', 20)),
      parts.with(3, parts[3]?.slice(0, -6) ?? ''),
      [],
    ];
    for (const one of changed) expect(() => decrypt(keys, one.join('.'), place), one.join('.')).toThrow(OperatorError);
  });
});

describe('encryption key', () => {
  it('is made in the form of ENCRYPTION_KEYS, and never twice the same', () => {
    const [a, b] = [createEncryptionKey(), createEncryptionKey()];
    expect(parseEncryptionKey(a)).not.toBeNull();
    expect(a).not.toBe(b);
  });

  it('is not shown by a log of the configuration', () => {
    const [, bytes = ''] = entries.one.split(':');
    const shown = inspect(readConfig({ ENCRYPTION_KEYS: entries.one }), { depth: 9 });
    expect(shown).toContain('SecretKeyObject');
    for (const form of [bytes, Buffer.from(bytes, 'base64url').toString('hex')]) expect(shown).not.toContain(form);
  });

  it.each([
    'B'.repeat(43),
    `k:${'B'.repeat(42)}`,
    `k:${'B'.repeat(44)}`,
    `k:${'B'.repeat(42)}+`,
    // Not the last character of any 32 bytes.
    `k:${'B'.repeat(43)}`,
    `:${'B'.repeat(42)}E`,
    `a.b:${'B'.repeat(42)}E`,
    `${'k'.repeat(33)}:${'B'.repeat(42)}E`,
  ])('is refused in another form, and not repeated by the error: %s', (entry) => {
    const read = () => readConfig({ ENCRYPTION_KEYS: `${entries.one},${entry}` });
    expect(read).toThrow(/^Entry 2 of ENCRYPTION_KEYS is not id:key/);
    expect(read).not.toThrow(/BBBB/);
  });

  it('has an id of its own', () => {
    expect(() => readConfig({ ENCRYPTION_KEYS: `${entries.one},${entries.sameId}` })).toThrow(
      'ENCRYPTION_KEYS has two keys with the id "one".',
    );
  });
});
