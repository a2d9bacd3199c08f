import { readConfig } from '../../src/config/config.ts';
import { createEncryptionKey, type EncryptionKeys } from '../../src/encryption/keys.ts';

/** Returns the encryption keys of these entries of ENCRYPTION_KEYS, or a new one. */
export function encryptionKeysOf(...entries: string[]): EncryptionKeys {
  const given = entries.length > 0 ? entries : [createEncryptionKey()];
  const keys = readConfig({ ENCRYPTION_KEYS: given.join(',') }).encryptionKeys;
  if (keys === null) throw new Error('There is no key.');
  return keys;
}
