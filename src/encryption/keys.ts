import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';

/** A key with its id, which every ciphertext names. A `KeyObject` shows its bytes in no log. */
export type EncryptionKey = { id: string; secret: KeyObject };

/** All keys that decrypt. The first one encrypts. */
export type EncryptionKeys = readonly [EncryptionKey, ...EncryptionKey[]];

const keyBytes = 32;

/** Reads a key in the form `id:key`: the id of letters, digits, `_` and `-`, the key as 32 bytes in base64url. */
export function parseEncryptionKey(text: string): EncryptionKey | null {
  const [, id, encoded = ''] = /^([\w-]{1,32}):([\w-]{43})$/.exec(text) ?? [];
  const bytes = Buffer.from(encoded, 'base64url');
  // The last character has two bits that no byte uses. Another one in its place is a typing error.
  if (id === undefined || bytes.toString('base64url') !== encoded) return null;
  return { id, secret: createSecretKey(bytes) };
}

/** Creates a random key in the form that `parseEncryptionKey` reads, with a random id. */
export function createEncryptionKey(): string {
  return `${randomBytes(4).toString('hex')}:${randomBytes(keyBytes).toString('base64url')}`;
}
