import { type EncryptionKeys, parseEncryptionKey } from '../encryption/keys.ts';
import { SettingError } from '../errors.ts';
import { type Environment, list } from './variables.ts';

/**
 * Returns the keys of `ENCRYPTION_KEYS` in their order, or null if none are configured.
 *
 * @throws SettingError for an entry of another form, and for an id that two entries have. It never repeats an entry.
 */
export function readEncryptionKeys(environment: Environment): EncryptionKeys | null {
  const keys = list(environment, 'ENCRYPTION_KEYS').map((entry, index) => {
    const key = parseEncryptionKey(entry);
    if (key) return key;
    throw new SettingError(
      'ENCRYPTION_KEYS',
      `Entry ${index + 1} of ENCRYPTION_KEYS is not id:key with 32 bytes in base64url. \`create-encryption-key\` makes one.`,
    );
  });
  const ids = keys.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined)
    throw new SettingError('ENCRYPTION_KEYS', `ENCRYPTION_KEYS has two keys with the id "${twice}".`);
  const [first, ...rest] = keys;
  return first ? [first, ...rest] : null;
}
